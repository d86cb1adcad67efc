from __future__ import annotations

import pytest

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer
from vestal.core.errors import ConfigError, NeedsLogin
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.oauth2.jose import generate_key
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refresh import refresh

GRANT_TYPES = {
    "client_credentials": "client_credentials",
    "jwt_bearer": "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "token_exchange": "urn:ietf:params:oauth:grant-type:token-exchange",
}
WITH_A_PERSON = ["refresh_token", "authorization_code", "device_code"]


@pytest.mark.parametrize("grant", [*GRANT_TYPES, *WITH_A_PERSON, "unheard-of"])
def test_a_refresh_token_is_used_wherever_there_is_one(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, grant: str
) -> None:
    service.will(answer(200, {"access_token": "at"}))
    refresh(provider, credential(grant=grant, refresh_token=Secret("rt")), service, clock)
    assert service.form()["grant_type"] == "refresh_token"


@pytest.mark.parametrize(("grant", "grant_type"), GRANT_TYPES.items())
def test_else_the_apps_grant(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    grant: str,
    grant_type: str,
) -> None:
    service.will(answer(200, {"access_token": "at"}))
    mine = credential(grant=grant, private_key=generate_key().private(), subject=Token(Secret("subject")))
    refresh(provider, mine, service, clock)
    assert service.form()["grant_type"] == grant_type


@pytest.mark.parametrize("grant", WITH_A_PERSON)
def test_a_person_is_needed_where_there_is_no_refresh_token(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock, grant: str
) -> None:
    with pytest.raises(NeedsLogin) as caught:
        refresh(provider, credential(grant=grant), service, clock)
    assert caught.value.reason == "missing"


def test_an_unknown_grant(
    provider: OAuth2Provider, credential: MakeCredential, service: FakeService, clock: FixedClock
) -> None:
    with pytest.raises(ConfigError, match="the grant of this app is unknown"):
        refresh(provider, credential(grant="password"), service, clock)
