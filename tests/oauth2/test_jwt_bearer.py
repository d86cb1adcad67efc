from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer, claims_of
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2.jose import generate_key
from vestal.oauth2.jwt_bearer import refresh
from vestal.oauth2.provider import OAuth2Provider

KEY = generate_key().private()


@pytest.fixture
def ours(credential: MakeCredential) -> Any:
    def make(settings: Mapping[str, str] | None = None, **fields: Any) -> Credential:
        given = {"client_secret": None, "private_key": KEY, "scopes": ("read", "write"), **fields}
        return credential(grant="jwt_bearer", settings=settings, **given)

    return make


def test_the_app_signs(provider: OAuth2Provider, ours: Any, service: FakeService, clock: FixedClock) -> None:
    service.will(answer(200, {"access_token": "at", "refresh_token": "not wanted"}))
    grant = refresh(provider, ours(), service, clock)
    assert (grant.access_token, grant.refresh_token) == (Secret("at"), None)
    form = service.form()
    claims = claims_of(form.pop("assertion"))
    assert form == {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "scope": "read write"}
    assert (claims["iss"], claims["aud"]) == ("app-1", "https://acme.example/token")
    assert "sub" not in claims
    assert "scope" not in claims


def test_as_a_google_service_account(
    provider: OAuth2Provider, ours: Any, service: FakeService, clock: FixedClock
) -> None:
    service.will(answer(200, {"access_token": "at"}))
    settings = {
        "assertion_issuer": "robot@project.example",
        "subject": "person@acme.example",
        "assertion_audience": "https://other.example/token",
        "scope_in_assertion": "true",
        "claim.box_sub_type": "enterprise",
    }
    refresh(provider, ours(settings, client_id=""), service, clock)
    form = service.form()
    claims = claims_of(form.pop("assertion"))
    assert form == {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
    assert {name: claims[name] for name in ("iss", "sub", "aud", "scope", "box_sub_type")} == {
        "iss": "robot@project.example",
        "sub": "person@acme.example",
        "aud": "https://other.example/token",
        "scope": "read write",
        "box_sub_type": "enterprise",
    }


@pytest.mark.parametrize(
    ("fields", "why"), [({"client_id": ""}, "needs an issuer"), ({"private_key": None}, "no private key")]
)
def test_what_is_missing(
    provider: OAuth2Provider, ours: Any, service: FakeService, clock: FixedClock, fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        refresh(provider, ours(**fields), service, clock)
    assert service.requests == []
