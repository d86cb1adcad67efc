from __future__ import annotations

import pytest

from tests.oauth2.conftest import FakeService, FixedClock, MakeCredential, answer
from vestal.core.errors import NeedsLogin
from vestal.core.secret import Secret
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refresh_token import refresh

GRANTED = {"access_token": "at", "refresh_token": "rt-2"}


@pytest.mark.parametrize(
    ("settings", "scope"),
    [({}, None), ({"scope_on_refresh": "false"}, None), ({"scope_on_refresh": "true"}, "read write")],
)
def test_the_refresh_token_is_redeemed(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    settings: dict[str, str],
    scope: str | None,
) -> None:
    service.will(answer(200, GRANTED))
    mine = credential(refresh_token=Secret("rt-1"), scopes=("read", "write"), client_auth="none", settings=settings)
    grant = refresh(provider, mine, service, clock)
    assert (grant.access_token, grant.refresh_token) == (Secret("at"), Secret("rt-2"))
    expected = {"grant_type": "refresh_token", "refresh_token": "rt-1", "client_id": "app-1"}
    assert service.form() == expected | ({"scope": scope} if scope else {})


@pytest.mark.parametrize("nothing", [None, Secret("")])
def test_without_one_a_person_is_needed(
    provider: OAuth2Provider,
    credential: MakeCredential,
    service: FakeService,
    clock: FixedClock,
    nothing: Secret | None,
) -> None:
    with pytest.raises(NeedsLogin) as caught:
        refresh(provider, credential(refresh_token=nothing), service, clock)
    assert (caught.value.reason, caught.value.remedy) == ("missing", "run `vestal login acme/me`")
    assert service.requests == []
