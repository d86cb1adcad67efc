"""Quotas by owner and resource, and secondary limits."""

from __future__ import annotations

import httpx2
import pytest

from tests.github.jwts import app_jwt, bearer
from tests.github.stub.limits import MOST_CONCURRENT, Limits
from tests.github.stub.refusal import Refused
from tests.github.stub.server import Stub


def test_headers_count_down_to_a_refusal(stub: Stub, http: httpx2.Client) -> None:
    stub.stop_clock(1_800_000_000)
    token, other = stub.add_pat("alice"), stub.add_pat("alice")
    stub.set_limit(stub.owner_of(token), limit=3)
    for remaining in (2, 1, 0):
        answer = http.get("/repos/acme/widgets", headers=bearer(token if remaining else other))
        shown = {name: answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining", "used", "reset")}
        assert shown == {
            "limit": "3",
            "remaining": str(remaining),
            "used": str(3 - remaining),
            "reset": "1800003600",
        }
        assert answer.headers["x-ratelimit-resource"] == "core"
    refused = http.get("/repos/acme/widgets", headers=bearer(token))
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    assert refused.json()["message"].startswith("API rate limit exceeded for user ID")
    assert stub.limits.violations == [(stub.owner_of(token), "primary")]
    stub.advance(3600)
    assert http.get("/repos/acme/widgets", headers=bearer(token)).headers["x-ratelimit-remaining"] == "2"


def test_window_begins_with_its_first_request(stub: Stub, http: httpx2.Client) -> None:
    stub.stop_clock(1_800_000_000)
    stub.configure(window=60)
    headers = bearer(stub.add_pat("alice"))
    http.get("/user", headers=headers)
    stub.advance(100)
    assert http.get("/user", headers=headers).headers["x-ratelimit-reset"] == str(1_800_000_160)


def test_resources_and_owners_are_apart(stub: Stub, http: httpx2.Client) -> None:
    installation = stub.install(stub.add_app(), "acme")
    jwt = app_jwt(stub, installation.app)
    minted = http.post(f"/app/installations/{installation.id}/access_tokens", headers=bearer(jwt)).json()["token"]
    alice = stub.add_pat("alice")
    search = http.get("/search/issues?q=is:pr+repo:acme/widgets", headers=bearer(alice))
    assert (search.headers["x-ratelimit-limit"], search.headers["x-ratelimit-resource"]) == ("30", "search")
    http.post("/graphql", headers=bearer(alice), json={"query": "{ viewer { login } }"})
    http.get("/installation/repositories", headers=bearer(minted))
    used = {
        (owner, resource): stub.limits.bucket(stub.owner_of(token), resource).used
        for owner, token in (("alice", alice), ("installation", minted))
        for resource in ("core", "search", "graphql")
    }
    assert used == {
        ("alice", "core"): 0, ("alice", "search"): 1, ("alice", "graphql"): 1,
        ("installation", "core"): 1, ("installation", "search"): 0, ("installation", "graphql"): 0,
    }  # fmt: skip


def test_rate_limit_and_304_are_free(stub: Stub, http: httpx2.Client) -> None:
    headers = bearer(stub.add_pat("alice"))
    etag = http.get("/user", headers=headers).headers["etag"]
    for _ in range(3):
        assert http.get("/user", headers=headers | {"If-None-Match": etag}).status_code == 304
        resources = http.get("/rate_limit", headers=headers).json()["resources"]
    assert (resources["core"]["used"], stub.log[-1].cost) == (1, 0)
    newer = http.get("/rate_limit", headers=headers | {"X-GitHub-Api-Version": "2026-03-10"}).json()
    assert set(newer) == {"resources"}


def test_exhausted_graphql_answers_200(stub: Stub, http: httpx2.Client) -> None:
    token = stub.add_pat("alice")
    stub.set_limit(stub.owner_of(token), "graphql", remaining=1)
    query = {"query": "{ viewer { login } rateLimit { limit remaining used cost } }"}
    first, second = (http.post("/graphql", headers=bearer(token), json=query) for _ in range(2))
    assert first.json()["data"]["rateLimit"] == {"limit": 5000, "remaining": 0, "used": 5000, "cost": 1}
    assert (second.status_code, second.json()["errors"][0]["type"]) == (200, "RATE_LIMITED")
    assert second.headers["x-ratelimit-remaining"] == "0"


def test_nobody_has_sixty(stub: Stub, http: httpx2.Client) -> None:
    assert http.get("/repos/acme/widgets").headers["x-ratelimit-limit"] == "60"
    assert http.get("/user", headers=bearer("ghp_wrong")).headers["x-ratelimit-limit"] == "60"


def test_points_a_minute(stub: Stub, http: httpx2.Client) -> None:
    stub.stop_clock(1_800_000_000)
    stub.configure(enforce_secondary=True)
    limits, owner = stub.limits, "user:1"
    for _ in range(180):
        limits.begin(owner, "rest", 5)
        limits.end(owner)
    with pytest.raises(Refused) as refused:
        limits.begin(owner, "rest", 1)
    assert (refused.value.status, refused.value.headers) == (403, {"Retry-After": "60"})
    with pytest.raises(Refused):
        limits.begin(owner, "graphql", 1)
    assert limits.violations == [(owner, "points"), (owner, "continued")]
    stub.advance(60)
    limits.begin(owner, "rest", 1)


def test_concurrent_requests() -> None:
    limits = Limits(lambda: 1_800_000_000.0)
    limits.enforce_secondary, limits.retry_after = True, None
    for _ in range(MOST_CONCURRENT):
        limits.begin("user:1", "rest", 1)
    limits.begin("user:2", "rest", 1)
    with pytest.raises(Refused) as refused:
        limits.begin("user:1", "rest", 1)
    assert refused.value.headers == {}
    assert refused.value.message.startswith("You have exceeded a secondary rate limit")


def test_secondary_limits_are_counted_even_if_not_enforced() -> None:
    limits = Limits(lambda: 1_800_000_000.0)
    for _ in range(MOST_CONCURRENT + 1):
        limits.begin("user:1", "rest", 1)
    assert limits.violations == [("user:1", "concurrent")]
