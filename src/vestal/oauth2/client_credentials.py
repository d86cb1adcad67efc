"""The client credentials grant (RFC 6749, section 4.4): the app asks for itself."""

from __future__ import annotations

from dataclasses import replace

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.grant import Grant
from vestal.core.transport import Send, Text
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_endpoint import ask_for


def refresh(provider: OAuth2Provider, credential: Credential, send: Send, clock: Clock) -> Grant:
    """Ask for a new token. The settings `audience` and `resource` (RFC 8707) say where it is to be used.

    A refresh token in the answer, which there should be none of (section 4.4.3), is dropped: asking again is always
    possible, and a refresh token could be lost. Raises as `ask`.
    """
    app = credential.app
    parameters: dict[str, Text] = {"grant_type": "client_credentials"}
    if app.scopes:
        parameters["scope"] = provider.scope_separator.join(app.scopes)
    parameters |= {name: app.settings[name] for name in ("audience", "resource") if name in app.settings}
    return replace(ask_for(provider, credential, send, clock, parameters), refresh_token=None)
