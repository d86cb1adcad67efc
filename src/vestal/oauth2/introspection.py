"""Token introspection (RFC 7662): what the service itself knows of a token. An optional check."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.errors import HTTPError
from vestal.core.secret import Secret
from vestal.core.transport import Send
from vestal.oauth2.address import check_address
from vestal.oauth2.client_request import client_request, secrets_of
from vestal.oauth2.payload import Payload, read_payload, shown
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refusal import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """What a service says of a token (section 2.2). Only `active` is certain to be there. Times are epoch seconds."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    token_type: str | None = None
    exp: float | None = None
    iat: float | None = None
    nbf: float | None = None
    sub: str | None = None
    aud: tuple[str, ...] = ()
    iss: str | None = None


def introspect(
    provider: OAuth2Provider,
    app: App,
    token: Secret,
    send: Send,
    clock: Clock,
    *,
    hint: Literal["access_token", "refresh_token"] | None = None,
) -> Introspection:
    """Ask the service about `token`. One that it does not know, or that is not this app's to ask for, is not active.

    Raises `ConfigError` if the service has no introspection endpoint, `HTTPError` for an answer that can't be read, and
    other `VestalError`s.
    """
    url = check_address(provider.introspection_endpoint, "introspection endpoint", "introspect_url")
    parameters = {"token": token, **({"token_type_hint": hint} if hint else {})}
    request = client_request(provider, app, url, parameters, clock)
    response = send(request)
    payload = read_payload(response)
    error = refusal(response, payload, service=provider.label, sent=secrets_of(request, app), person=False)
    if error is not None:
        raise error
    if payload is None or not isinstance(payload.get("active"), bool):
        raise HTTPError(
            f"{provider.label} answered {response.status} and did not say whether the token is active",
            remedy="check the address of the introspection endpoint",
        )
    return Introspection(
        active=payload["active"],
        scope=_text(payload, "scope"),
        client_id=_text(payload, "client_id"),
        username=_text(payload, "username"),
        token_type=_text(payload, "token_type"),
        exp=_moment(payload, "exp"),
        iat=_moment(payload, "iat"),
        nbf=_moment(payload, "nbf"),
        sub=_text(payload, "sub"),
        aud=_audience(payload),
        iss=_text(payload, "iss"),
    )


def _text(payload: Payload, name: str) -> str | None:
    return shown(payload.get(name), 1000) or None


def _moment(payload: Payload, name: str) -> float | None:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _audience(payload: Payload) -> tuple[str, ...]:
    """One text or a list of them (RFC 7519, section 4.1.3)."""
    value = payload.get("aud")
    found = value if isinstance(value, list) else [value]
    return tuple(text for item in found if (text := shown(item, 1000)))
