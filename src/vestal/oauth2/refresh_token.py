"""The refresh token grant (RFC 6749, section 6)."""

from __future__ import annotations

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.errors import NeedsLogin
from vestal.core.grant import Grant
from vestal.core.transport import Send, Text
from vestal.oauth2 import settings
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_endpoint import ask_for


def refresh(provider: OAuth2Provider, credential: Credential, send: Send, clock: Clock) -> Grant:
    """Redeem the refresh token.

    The scopes are sent only if the setting `scope_on_refresh` is true: left out, they stay as they were granted, and
    asking for one more than that is an error. Raises `NeedsLogin` if there is no refresh token, else as `ask`.
    """
    if not credential.refresh_token:
        raise NeedsLogin(
            "there is no refresh token",
            reason="missing",
            remedy=f"run `vestal login {credential.name}`",
            credential=credential.name,
        )
    parameters: dict[str, Text] = {"grant_type": "refresh_token", "refresh_token": credential.refresh_token}
    if credential.app.scopes and settings.flag(credential.app, "scope_on_refresh"):
        parameters["scope"] = provider.scope_separator.join(credential.app.scopes)
    return ask_for(provider, credential, send, clock, parameters)
