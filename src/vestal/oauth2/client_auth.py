"""How an app authenticates at an authorization server (RFC 6749, section 2.3; RFC 7523, section 2.2)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import get_args
from urllib.parse import quote_plus

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.transport import Text
from vestal.oauth2.assertion import sign_assertion
from vestal.oauth2.provider import ClientAuth, OAuth2Provider

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticate(
    provider: OAuth2Provider, app: App, parameters: Mapping[str, Text], clock: Clock, audience: str
) -> tuple[dict[str, Text], dict[str, Text]]:
    """The headers and form parameters of a request with the app's authentication added. Secrets stay `Secret`.

    `audience` is whom a signed assertion is meant for, unless the setting `assertion_audience` says otherwise.
    Raises `ConfigError`.
    """
    if _by_assertion_alone(app, parameters):
        return {}, dict(parameters)
    method = client_auth(provider, app)
    if method == "none":
        return {}, {**parameters, **({"client_id": app.client_id} if app.client_id else {})}
    if not app.client_id:
        raise ConfigError(f"there is no client id, which {method} needs", remedy="give it with --client-id")
    if method == "private_key_jwt":
        assertion = sign_assertion(app, clock, issuer=app.client_id, subject=app.client_id, audience=audience)
        # RFC 7521, section 4.2: client_id may be left out, but some servers want it
        return {}, {
            **parameters,
            "client_id": app.client_id,
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
        }
    if not app.client_secret:
        raise ConfigError(
            f"there is no client secret, which {method} needs",
            remedy="give one with --client-secret-file, or --client-auth none for a public client",
        )
    if method == "post":
        return {}, {**parameters, "client_id": app.client_id, "client_secret": app.client_secret}
    return {"Authorization": _basic(app.client_id, app.client_secret)}, dict(parameters)


def client_auth(provider: OAuth2Provider, app: App) -> ClientAuth:
    """How the app authenticates: as it says itself, else as the provider has it and what it holds allows.

    An app that holds nothing is a public client; one that holds only a key signs with it; one that holds a secret at a
    provider for public clients uses it with Basic, which every server takes (RFC 6749, section 2.3.1).
    Raises `ConfigError` for an unknown name.
    """
    if app.client_auth is not None:
        for known in get_args(ClientAuth):
            if app.client_auth == known:
                return known  # type: ignore[no-any-return]
        raise ConfigError(
            "the way in which the app authenticates is unknown",
            remedy=f"set client_auth to one of {', '.join(get_args(ClientAuth))}",
        )
    if not app.client_secret:
        return "private_key_jwt" if app.private_key else "none"
    return "basic" if provider.client_auth == "none" else provider.client_auth


def _by_assertion_alone(app: App, parameters: Mapping[str, Text]) -> bool:
    """In the JWT bearer grant the assertion says who asks, and the app needs no other authentication (RFC 7521, 4.1)."""
    return parameters.get("grant_type") == JWT_BEARER and app.client_auth is None and not app.client_secret


def _basic(client_id: str, client_secret: Secret) -> Secret:
    """Both parts are form-encoded before they are joined (RFC 6749, section 2.3.1 and appendix B)."""
    return Secret(
        "Basic "
        + base64.b64encode(
            f"{_form_encoded(client_id)}:{_form_encoded(client_secret.reveal())}".encode("ascii")
        ).decode("ascii")
    )


def _form_encoded(text: str) -> str:
    return quote_plus(text, errors="surrogatepass")
