"""The JWT bearer grant (RFC 7523, section 2.1): the app signs for whom it asks, as a Google service account does."""

from __future__ import annotations

from dataclasses import replace

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError
from vestal.core.grant import Grant
from vestal.core.transport import Send, Text
from vestal.oauth2 import settings
from vestal.oauth2.address import check_address
from vestal.oauth2.assertion import sign_assertion
from vestal.oauth2.client_auth import JWT_BEARER
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.token_endpoint import ask_for


def refresh(provider: OAuth2Provider, credential: Credential, send: Send, clock: Clock) -> Grant:
    """Ask for a new token with a signed assertion.

    Settings: `assertion_issuer` (the client id if it is not set), `subject` (on whose behalf), `assertion_audience` (the
    token endpoint), `scope_in_assertion` (the scopes as a claim, where Google wants them, instead of as a parameter) and
    those of `sign_assertion`. A refresh token in the answer is dropped: a new assertion does as well.
    Raises `ConfigError`, and as `ask`.
    """
    app = credential.app
    issuer = app.settings.get("assertion_issuer") or app.client_id
    if not issuer:
        raise ConfigError("an assertion needs an issuer", remedy="set assertion_issuer or give a client id")
    scope = {"scope": provider.scope_separator.join(app.scopes)} if app.scopes else {}
    as_claim = settings.flag(app, "scope_in_assertion")
    assertion = sign_assertion(
        app,
        clock,
        issuer=issuer,
        subject=app.settings.get("subject"),
        audience=check_address(provider.token_endpoint, "token endpoint", "token_url"),
        claims=scope if as_claim else None,
    )
    parameters: dict[str, Text] = {"grant_type": JWT_BEARER, "assertion": assertion, **({} if as_claim else scope)}
    return replace(ask_for(provider, credential, send, clock, parameters), refresh_token=None)
