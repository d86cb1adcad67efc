from __future__ import annotations

from dataclasses import replace

import pytest

from tests.real import by_hand
from tests.real.browser import Browser
from tests.real.house import add, stored
from tests.real.server import AuthorizationServer
from vestal.core.credential import Credential
from vestal.core.errors import AuthFailed, ConfigError, NeedsLogin
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.oauth2.introspection import introspect
from vestal.oauth2.revocation import revoke


def brought(oidc: AuthorizationServer, home: Home, browser: Browser, auth: str) -> Credential:
    """A credential with a token, from a refresh token that a person brings."""
    client = oidc.register({"basic": "client_secret_basic", "none": "none"}[auth])
    refresh_token = Secret(by_hand.log_in(oidc, client, browser)["refresh_token"])
    add(home, "mine", oidc, client, auth=auth, refresh_token=refresh_token)
    home.token("mine")
    return stored(home, "mine")


@pytest.mark.parametrize("auth", ["basic", "none"])
def test_a_revoked_refresh_token_is_refused(oidc: AuthorizationServer, home: Home, browser: Browser, auth: str) -> None:
    credential = brought(oidc, home, browser, auth)
    assert credential.token is not None
    assert credential.refresh_token is not None
    provider = home.provider_for(credential.app)
    for _ in range(2):  # revoking again what is gone is a success (RFC 7009, section 2.2)
        revoke(provider, credential.app, credential.refresh_token, home.send, home.clock)
    with pytest.raises(NeedsLogin) as refused:
        home.source("mine").refresh()
    assert refused.value.reason == "refused"


def test_what_the_server_knows_of_a_token(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    credential = brought(oidc, home, browser, "basic")
    token = credential.token
    assert token is not None
    assert token.expires_at is not None
    provider = home.provider_for(credential.app)

    known = introspect(provider, credential.app, token.access_token, home.send, home.clock)
    assert known.active
    assert (known.sub, known.client_id, known.iss) == ("ada", credential.app.client_id, oidc.issuer)
    assert known.scope == token.scope
    assert known.token_type == "Bearer"
    assert known.exp == pytest.approx(token.expires_at, abs=2)

    assert introspect(provider, credential.app, Secret("unknown"), home.send, home.clock).active is False
    refresh_token = credential.refresh_token
    assert refresh_token is not None
    assert introspect(provider, credential.app, refresh_token, home.send, home.clock, hint="refresh_token").active
    revoke(provider, credential.app, refresh_token, home.send, home.clock)
    assert introspect(provider, credential.app, token.access_token, home.send, home.clock).active is False


def test_another_apps_token_is_not_revoked(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    credential = brought(oidc, home, browser, "basic")
    assert credential.refresh_token is not None
    stranger = oidc.register("client_secret_basic")
    app = replace(credential.app, client_id=stranger.client_id, client_secret=stranger.client_secret)
    with pytest.raises(ConfigError, match="not authorized to revoke"):
        revoke(home.provider_for(app), app, credential.refresh_token, home.send, home.clock)
    wrong = replace(credential.app, client_secret=Secret("not it"))
    with pytest.raises(AuthFailed):
        revoke(home.provider_for(wrong), wrong, credential.refresh_token, home.send, home.clock)
    assert home.source("mine").refresh().version == 2
