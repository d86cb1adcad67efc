from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer, dump
from vestal.core.credential import App
from vestal.core.errors import AuthFailed, ConfigError, HTTPError, VestalError
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.oauth2.introspection import Introspection, introspect
from vestal.oauth2.provider import OAuth2Provider

TOKEN = Secret("at-canary-1")


def test_all_that_a_service_knows(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(
        answer(
            200,
            {
                "active": True,
                "scope": "read write",
                "client_id": "app-1",
                "username": "me",
                "token_type": "Bearer",
                "exp": 1_700_000_060,
                "iat": 1_700_000_000,
                "nbf": 1_700_000_000.5,
                "sub": "u1",
                "aud": ["a", "b"],
                "iss": "https://acme.example",
                "more": {"a": 1},
            },
        )
    )
    found = introspect(provider, credential(client_auth="post").app, TOKEN, service, clock, hint="access_token")
    assert found == Introspection(
        active=True,
        scope="read write",
        client_id="app-1",
        username="me",
        token_type="Bearer",
        exp=1_700_000_060.0,
        iat=1_700_000_000.0,
        nbf=1_700_000_000.5,
        sub="u1",
        aud=("a", "b"),
        iss="https://acme.example",
    )
    assert service.request.url == "https://acme.example/introspect"
    assert service.form() == {
        "token": "at-canary-1",
        "token_type_hint": "access_token",
        "client_id": "app-1",
        "client_secret": "client-secret-canary",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"exp": "soon", "scope": 5, "aud": None},
        {"exp": True, "aud": 7, "sub": []},
        {"exp": float("inf"), "aud": [5]},
    ],
)
def test_only_active_is_certain(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    fields: dict[str, object],
) -> None:
    service.will(answer(200, {"active": False, **fields}))
    found = introspect(provider, credential().app, TOKEN, service, clock)
    assert found == Introspection(active=False)
    assert "token_type_hint" not in service.form()


def test_one_audience(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, {"active": True, "aud": "api"}))
    assert introspect(provider, credential().app, TOKEN, service, clock).aud == ("api",)


@pytest.mark.parametrize("body", ["", "<html>", "[]", {}, {"active": "true"}, {"active": 1}, {"active": None}])
def test_an_answer_that_does_not_say(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, body: object
) -> None:
    service.will(answer(200, body))
    with pytest.raises(HTTPError, match="did not say whether the token is active"):
        introspect(provider, credential().app, TOKEN, service, clock)


def test_a_refusal(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(401, {"error": "invalid_client", "error_description": "at-canary-1"}))
    with pytest.raises(AuthFailed) as caught:
        introspect(provider, credential().app, TOKEN, service, clock)
    assert "canary" not in dump(caught.value)


def test_nothing_is_sent_where_there_is_no_endpoint(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    with pytest.raises(ConfigError, match="introspection endpoint"):
        introspect(replace(provider, introspection_endpoint=None), credential().app, TOKEN, service, clock)
    assert service.requests == []


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
FIELDS = st.sampled_from(["active", "scope", "exp", "iat", "aud", "sub", "error"])


@given(st.integers(100, 599), st.dictionaries(FIELDS, VALUES), st.binary(), st.booleans())
def test_any_answer(status: int, fields: dict[str, Any], body: bytes, broken: bool) -> None:
    def send(request: Request) -> Response:
        return answer(status, body if broken else fields)

    provider = OAuth2Provider(name="acme", introspection_endpoint="https://acme.example/introspect")
    try:
        found = introspect(provider, App(provider="acme"), TOKEN, send, FixedClock())
    except VestalError:
        return
    assert found.active is fields["active"]
