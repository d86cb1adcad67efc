from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.oauth2.conftest import NOW, answer, dump
from vestal.core.credential import App, Credential
from vestal.core.errors import HTTPError, NeedsLogin, Outcome, VestalError
from vestal.core.grant import LONGEST_LIFETIME, Grant
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.response import LONGEST_SECRET, read_grant

ACME = OAuth2Provider(name="acme", title="Acme")


def grant(**fields: Any) -> Grant:
    return read_grant(ACME, answer(200, {"access_token": "at", **fields}))


def test_all_that_a_service_grants() -> None:
    granted = grant(
        token_type="bearer",
        expires_in=3600,
        refresh_in=1800,
        refresh_token="rt",
        refresh_token_expires_in=86400,
        scope="read write",
        id_token="header.claims.signature",
        session_state="s-1",
        ok=True,
    )
    assert granted == Grant(
        access_token=Secret("at"),
        token_type="bearer",
        expires_in=3600.0,
        refresh_in=1800.0,
        refresh_token=Secret("rt"),
        refresh_token_expires_in=86400.0,
        scope="read write",
        secrets={"id_token": Secret("header.claims.signature")},
        extra={"session_state": "s-1", "ok": True},
    )


def test_the_least_that_a_service_grants() -> None:
    assert grant() == Grant(access_token=Secret("at"))


def test_a_form_is_read_as_well() -> None:
    granted = read_grant(
        ACME, answer(200, "access_token=at&expires_in=28800&refresh_token=rt&scope=&token_type=bearer")
    )
    assert (granted.access_token, granted.refresh_token) == (Secret("at"), Secret("rt"))
    assert (granted.expires_in, granted.scope) == (28800.0, "")


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_refresh_token_is_none(empty: str | None) -> None:
    assert grant(refresh_token=empty).refresh_token is None


@pytest.mark.parametrize(
    ("fields", "expires_in"),
    [
        ({"expires_in": "3600"}, 3600.0),
        ({"expires_in": 0}, None),
        ({"expires_in": -5}, None),
        ({"expires_in": "soon"}, None),
        ({"expires_in": True}, None),
        ({"expires_in": 1e300}, LONGEST_LIFETIME),
        ({"expires_in": float("nan")}, None),
        ({"expires_at": NOW + 60}, 60.0),
        ({"expires_at": str(int(NOW) + 60)}, 60.0),
        ({"expires_on": str(int(NOW) + 60)}, 60.0),
        ({"expires_at": (NOW + 60) * 1000}, 60.0),
        ({"expires_at": "2023-11-14T22:14:20Z"}, 60.0),
        ({"expires_at": "2023-11-14T23:14:20+01:00"}, 60.0),
        ({"expires_at": "2023-11-14 22:14:20"}, 60.0),
        ({"expires_at": NOW - 60}, None),
        ({"expires_at": "tomorrow"}, None),
        ({"expires_at": True}, None),
        ({"expires_at": [1]}, None),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, None),
        ({"expires_in": 3600, "expires_at": NOW + 60}, 3600.0),
        ({"expires_in": None, "expires_at": NOW + 60}, 60.0),
    ],
)
def test_the_lifetime(fields: dict[str, Any], expires_in: float | None) -> None:
    assert grant(**fields).expires_in == expires_in


def test_a_moment_is_corrected_by_the_services_own_clock() -> None:
    ahead = {"date": "Tue, 14 Nov 2023 22:23:20 GMT"}  # by ten minutes
    for name, value, expires_in in [("expires_at", NOW + 660, 60.0), ("expires_in", 3600, 3600.0)]:
        assert read_grant(ACME, answer(200, {"access_token": "at", name: value}, ahead)).expires_in == expires_in


def test_the_providers_lifetime_is_used_only_where_the_service_says_nothing() -> None:
    hourly = replace(ACME, access_token_lifetime=3600.0)
    assert read_grant(hourly, answer(200, {"access_token": "at"})).expires_in == 3600.0
    assert read_grant(hourly, answer(200, {"access_token": "at", "expires_in": 60})).expires_in == 60.0
    assert read_grant(hourly, answer(200, {"access_token": "at", "expires_at": NOW + 60})).expires_in == 60.0


@pytest.mark.parametrize(("advice", "kept"), [(1800, 1800.0), ("1800", 1800.0), (3600, None), (9999, None), (-1, None)])
def test_the_services_advice_when_to_refresh(advice: object, kept: float | None) -> None:
    assert grant(expires_in=3600, refresh_in=advice).refresh_in == kept


@pytest.mark.parametrize("name", ["refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"])
def test_the_refresh_tokens_own_lifetime(name: str) -> None:
    assert grant(**{name: 86400}).refresh_token_expires_in == 86400.0
    assert grant(**{name: 0}).refresh_token_expires_in is None  # Keycloak: an offline token does not expire


@pytest.mark.parametrize(
    ("scope", "kept"),
    [("a b", "a b"), ("", ""), (["a", "b", 3], "a b"), ([], ""), (None, None), (5, None), ({"a": 1}, None)],
)
def test_the_scope(scope: object, kept: str | None) -> None:
    assert grant(scope=scope).scope == kept


@pytest.mark.parametrize(
    ("token_type", "kept"),
    [("DPoP", "DPoP"), ("N_A", "N_A"), ("", "Bearer"), (None, "Bearer"), (7, "Bearer"), ("a\r\nb", "Bearer")],
)
def test_the_token_type(token_type: object, kept: str) -> None:
    assert grant(token_type=token_type).token_type == kept


def test_what_else_was_said_is_kept_if_it_is_small_plain_and_no_secret() -> None:
    granted = grant(
        refresh_token="rt-0123456789",
        tenant="acme",
        count=3,
        fine=False,
        issued_token_type="urn:ietf:params:oauth:token-type:access_token",
        ratio=0.5,
        long="x" * 1001,
        nested={"a": 1},
        many=[1],
        nothing=None,
        broken="\ud800",
        client_secret="s",
        password="s",
        assertion="s",
        user_code="s",
        api_key="s",
        cookie="s",
        some_token_hint="s",
        echo="was rt-0123456789",
        device_token="another",
        empty_token="",
        number_token=5,
        long_token="x" * (LONGEST_SECRET + 1),
    )
    assert granted.extra == {
        "tenant": "acme",
        "count": 3,
        "fine": False,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    assert granted.secrets == {"device_token": Secret("another")}


def test_a_flood_of_fields_is_cut() -> None:
    granted = grant(**{f"field{n}": n for n in range(10_000)})
    assert len(granted.extra) < 50


def test_a_secret_that_was_sent_is_kept_out_of_what_is_not_secret() -> None:
    response = answer(200, {"access_token": "at", "echo": "you sent client-secret-canary"})
    assert read_grant(ACME, response, sent=[Secret("client-secret-canary")]).extra == {}


UNREADABLE: list[object] = [
    "",
    "garbage",
    "<html>",
    "null",
    "[]",
    "[" * 50_000,
    {},
    {"access_token": ""},
    {"access_token": None},
    {"access_token": 5},
    {"access_token": ["at"]},
    {"access_token": {"a": "at"}},
    {"access_token": "a\r\nInjected: yes"},
    {"access_token": "täg"},
    {"access_token": "\ud800"},
    {"access_token": "at", "refresh_token": 5},
    {"access_token": "at", "refresh_token": ["rt"]},
    {"access_token": "at", "refresh_token": "\udfff"},
    {"refresh_token": "rt"},
]


@pytest.mark.parametrize("body", UNREADABLE)
@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_that_cannot_be_read_may_have_redeemed_the_refresh_token(body: object, status: int) -> None:
    with pytest.raises(HTTPError) as caught:
        read_grant(ACME, answer(status, body))
    assert (caught.value.outcome, caught.value.passing) == (Outcome.UNKNOWN, False)
    assert f"Acme answered {status} with" in caught.value.message


def test_400_with_an_empty_body_is_not_a_refusal_for_good() -> None:
    with pytest.raises(HTTPError) as caught:
        read_grant(ACME, answer(400, ""))
    assert caught.value.outcome is Outcome.ANSWERED


def test_200_with_an_error_in_the_body_is_an_error() -> None:
    body = {"error": "bad_refresh_token", "error_description": "expired", "access_token": "at"}
    with pytest.raises(NeedsLogin, match="bad_refresh_token: expired"):
        read_grant(ACME, answer(200, body))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "token-canary-1 is bad", "access_token": "token-canary-2"},
        ),
        (200, {"access_token": "token-canary-1\n", "refresh_token": "token-canary-2"}),
        (200, {"access_token": "token-canary-1", "refresh_token": ["token-canary-2"]}),
        (200, {"access_token": ["token-canary-1"], "id_token": "token-canary-2"}),
        (500, {"token": "token-canary-1"}),
        (200, '{"access_token": "token-canary-1", '),
        (200, "access_token=token-canary-1%0A&refresh_token=token-canary-2"),
    ],
)
def test_no_secret_hangs_on_an_error(status: int, body: object) -> None:
    with pytest.raises(VestalError) as caught:
        read_grant(ACME, answer(status, body), sent=[Secret("token-canary-1")])
    assert "canary" not in dump(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["at", "invalid_grant"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TIMES = ["expires_in", "expires_at", "expires_on", "refresh_in", "refresh_expires_in"]
ERRORS = ["error", "errors", "error_description", "message", "code", "status"]
NAMES = st.sampled_from(["access_token", "refresh_token", "token_type", "scope", "id_token", *TIMES, *ERRORS])
HEADERS = st.dictionaries(
    st.sampled_from(["date", "retry-after", "ratelimit-reset", "x-ratelimit-remaining", "location", "content-type"])
    | st.text(),
    st.text() | st.sampled_from(["0", "60", "Tue, 14 Nov 2023 22:13:20 GMT", "https://login.example/x", "http://["]),
    max_size=4,
)


def check(response: Response) -> None:
    """Whatever comes is a grant that can be kept, or a `VestalError` that tells the truth."""
    old = Secret("the refresh token at stake")
    try:
        granted = read_grant(ACME, response, sent=[old])
    except VestalError as error:
        assert error.message.isprintable()
        assert (error.retry_after or 0) >= 0
        if 200 <= response.status < 300 and isinstance(error, HTTPError) and error.code is None:
            assert error.outcome is Outcome.UNKNOWN
        return
    assert 200 <= response.status < 300
    f"{granted.access_token.reveal()}{granted.token_type}".encode("ascii")
    json.dumps(dict(granted.extra), allow_nan=False, ensure_ascii=False).encode()
    for lifetime in (granted.expires_in, granted.refresh_in, granted.refresh_token_expires_in):
        assert lifetime is None or 0 < lifetime <= LONGEST_LIFETIME
    for secret in (*granted.secrets.values(), granted.refresh_token or old):
        secret.reveal().encode()
    kept = Credential(name="a", app=App(provider="acme"), refresh_token=old).granted(
        granted, sent_at=NOW, now=NOW, what="refresh"
    )
    assert kept.refresh_token


@given(st.integers(100, 599), HEADERS, st.binary() | st.text().map(str.encode))
@example(200, {}, b"")
@example(200, {}, b'{"access_token":"a","expires_in":NaN,"x":Infinity}')
def test_any_answer(status: int, headers: dict[str, str], body: bytes) -> None:
    check(Response(status=status, headers=headers, body=Secret(body.decode("latin-1")), sent_at=NOW))


@given(
    st.sampled_from([200, 200, 400, 401, 429, 502]),
    HEADERS,
    st.dictionaries(NAMES, JSON, max_size=8),
    st.booleans(),
)
def test_any_json(status: int, headers: dict[str, str], fields: dict[str, Any], token: bool) -> None:
    if token:
        fields = {key: value for key, value in fields.items() if not key.startswith("error")} | {"access_token": "at"}
    check(answer(status, fields, headers))
