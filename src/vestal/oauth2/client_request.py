"""Requests of an app to its authorization server: what the token, revocation and introspection endpoints share."""

from __future__ import annotations

from collections.abc import Mapping

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.core.transport import Request, Text
from vestal.oauth2.client_auth import authenticate
from vestal.oauth2.provider import OAuth2Provider


def client_request(
    provider: OAuth2Provider,
    app: App,
    url: str,
    parameters: Mapping[str, Text],
    clock: Clock,
    headers: Mapping[str, Text] | None = None,
) -> Request:
    """A POST of `parameters` with the app's authentication. `url` has been checked to be fit for secrets.

    A signed assertion names the token endpoint as its audience at every endpoint (RFC 7523, section 3).
    Raises `ConfigError`.
    """
    authentication, form = authenticate(provider, app, parameters, clock, provider.token_endpoint or url)
    return Request("POST", url, headers={"Accept": "application/json", **(headers or {}), **authentication}, form=form)


def secrets_of(request: Request, app: App) -> tuple[Secret, ...]:
    """All secrets that a request carries, and what they were made of: no message may repeat them."""
    carried = [*request.headers.values(), *(request.form or {}).values(), app.client_secret]
    return tuple(value for value in carried if isinstance(value, Secret))
