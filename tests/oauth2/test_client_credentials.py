from __future__ import annotations

from dataclasses import replace

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer
from vestal.core.secret import Secret
from vestal.oauth2.client_credentials import refresh
from vestal.oauth2.provider import OAuth2Provider


def test_the_app_asks_for_itself(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, {"access_token": "at", "refresh_token": "not wanted"}))
    mine = credential(
        grant="client_credentials",
        scopes=("read", "write"),
        settings={"audience": "https://api.example", "resource": "urn:a", "other": "x"},
    )
    grant = refresh(replace(provider, scope_separator=","), mine, service, clock)
    assert (grant.access_token, grant.refresh_token) == (Secret("at"), None)
    assert service.form() == {
        "grant_type": "client_credentials",
        "scope": "read,write",
        "audience": "https://api.example",
        "resource": "urn:a",
    }


def test_without_scopes_there_is_no_scope(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, {"access_token": "at"}))
    refresh(provider, credential(grant="client_credentials"), service, clock)
    assert service.form() == {"grant_type": "client_credentials"}
