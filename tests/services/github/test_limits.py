"""What calls cost and what answers say of limits."""

from __future__ import annotations

import json
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.services.exchange import APIResponse
from vestal.services.github.limits import charge_of, limited, rest_after, told

NOW = 1_800_000_000.0


def response(status: int, message: str = "", **headers: str) -> APIResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return APIResponse(status, named, json.dumps({"message": message}).encode(), NOW)


@pytest.mark.parametrize(
    ("method", "path", "bucket", "cost", "points"),
    [
        ("GET", "/repos/a/b", "core", 1, {"rest": 1.0}),
        ("GET", "https://ghe.example/api/v3/repos/a/b", "core", 1, {"rest": 1.0}),
        ("GET", "/search/issues?q=x", "search", 1, {"rest": 1.0}),
        ("GET", "https://ghe.example/api/v3/search/issues", "search", 1, {"rest": 1.0}),
        ("GET", "/search/code", "code_search", 1, {"rest": 1.0}),
        ("GET", "/rate_limit", "core", 0, {"rest": 1.0}),
        ("GET", "/repos/search/code", "core", 1, {"rest": 1.0}),
        ("POST", "/repos/a/b/statuses/c", "core", 1, {"rest": 5.0, "writes": 1.0, "content": 1.0, "content_hour": 1.0}),
    ],
)
def test_what_a_call_costs(method: str, path: str, bucket: str, cost: int, points: dict[str, float]) -> None:
    charge = charge_of(method, path)
    assert (charge.bucket, charge.cost, dict(charge.points)) == (bucket, cost, points)


def test_what_a_query_costs() -> None:
    assert charge_of("POST", "/graphql", cost=7, mutation=False).points == {"graphql": 1.0}
    assert charge_of("POST", "/graphql", cost=7, mutation=False).cost == 7
    assert charge_of("POST", "/graphql", mutation=True).points["graphql"] == 5.0


def test_what_is_left() -> None:
    said = told(
        response(
            200,
            x_ratelimit_limit="5000",
            x_ratelimit_remaining="4987",
            x_ratelimit_reset=str(int(NOW) + 600),
            x_ratelimit_resource="search",
        )
    )
    assert (said.bucket, said.limit, said.remaining, said.reset_at) == ("search", 5000, 4987, NOW + 600)


def test_a_reset_is_told_by_the_services_clock() -> None:
    ahead = formatdate(NOW + 3600, usegmt=True)
    said = told(response(200, x_ratelimit_reset=str(int(NOW) + 3600 + 600), date=ahead))
    assert said.reset_at == NOW + 600


def test_an_answer_that_took_its_time_brings_no_reset_nearer() -> None:
    came = formatdate(NOW + 9, usegmt=True)
    answer = response(200, x_ratelimit_reset=str(int(NOW) + 600), date=came)
    assert told(answer, at=NOW + 9.5).reset_at == NOW + 600


@pytest.mark.parametrize(
    ("answer", "which"),
    [
        (response(403, "You have exceeded a secondary rate limit. Please wait a few minutes"), "secondary"),
        (response(429, "You have exceeded a secondary rate limit", x_ratelimit_remaining="0"), "secondary"),
        (response(403, "You have triggered an abuse detection mechanism"), "secondary"),
        (response(403, "Slow down", retry_after="60"), "secondary"),
        (response(429, "Too many requests"), "secondary"),
        (response(403, "API rate limit exceeded for user ID 1.", x_ratelimit_remaining="0"), "primary"),
        (response(429, "API rate limit exceeded", x_ratelimit_remaining="0"), "primary"),
        (response(403, "Resource not accessible by integration", x_ratelimit_remaining="4999"), None),
        (response(403, "Must have admin rights to Repository."), None),
        (response(404, "Not Found", x_ratelimit_remaining="0"), None),
        (response(200, x_ratelimit_remaining="0"), None),
    ],
)
def test_limits_are_known_from_missing_permissions(answer: APIResponse, which: str | None) -> None:
    assert limited(answer) == which


def test_limits_in_answers_of_graphql() -> None:
    primary = b'{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}'
    secondary = b'{"errors":[{"message":"You have exceeded a secondary rate limit."}]}'
    mention = b'{"data":{"title":"how to handle \\"RATE_LIMITED\\" and a secondary rate limit"}}'
    assert limited(APIResponse(200, {}, primary), graphql=True) == "primary"
    assert limited(APIResponse(200, {}, secondary), graphql=True) == "secondary"
    assert limited(APIResponse(200, {}, mention), graphql=True) is None
    assert limited(APIResponse(200, {}, primary)) is None  # a file, perhaps
    assert limited(APIResponse(200, {}, b'"RATE_LIMIT'), graphql=True) is None


def test_how_long_an_owner_is_left_alone() -> None:
    assert rest_after(response(403, retry_after="17"), 1) == 17.0
    later = str(int(NOW) + 300)
    assert rest_after(response(403, x_ratelimit_remaining="0", x_ratelimit_reset=later), 1) == 300.0
    assert [rest_after(response(403, x_ratelimit_remaining="9", x_ratelimit_reset=later), n) for n in (1, 2, 3)] == [
        60.0,
        120.0,
        240.0,
    ]
    assert rest_after(response(403), 1000) == 3600.0


HEADERS = st.dictionaries(
    st.sampled_from(["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after", "date"]),
    st.one_of(st.text(max_size=20), st.integers().map(str)),
)


@given(st.sampled_from([200, 403, 429, 500]), HEADERS, st.binary(max_size=200))
def test_any_answer_is_read(status: int, headers: dict[str, str], body: bytes) -> None:
    answer = APIResponse(status, headers, body, NOW)
    said = told(answer)
    assert said.remaining is None or said.remaining >= 0
    assert 1.0 <= rest_after(answer, 1) <= 86400.0
    if status == 500:
        assert limited(answer) is None
