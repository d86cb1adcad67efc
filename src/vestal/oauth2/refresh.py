"""Which grant renews a credential."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError
from vestal.core.grant import Grant
from vestal.core.transport import Send
from vestal.oauth2 import client_credentials, jwt_bearer, refresh_token, token_exchange
from vestal.oauth2.provider import OAuth2Provider

_Refresh = Callable[[OAuth2Provider, Credential, Send, Clock], Grant]

_BY_GRANT: Mapping[str, _Refresh] = {
    "refresh_token": refresh_token.refresh,
    "authorization_code": refresh_token.refresh,
    "device_code": refresh_token.refresh,
    "client_credentials": client_credentials.refresh,
    "jwt_bearer": jwt_bearer.refresh,
    "token_exchange": token_exchange.refresh,
}


def refresh(provider: OAuth2Provider, credential: Credential, send: Send, clock: Clock) -> Grant:
    """Ask for a new token: with the refresh token if there is one, whatever brought it, else by the app's grant.

    Raises `NeedsLogin` where only a person can bring a new one, `ConfigError` for an unknown grant, else as `ask`.
    """
    by_grant = _BY_GRANT.get(credential.app.grant)
    if credential.refresh_token:
        by_grant = refresh_token.refresh
    if by_grant is None:
        raise ConfigError("the grant of this app is unknown", remedy=f"use one of {', '.join(_BY_GRANT)}")
    return by_grant(provider, credential, send, clock)
