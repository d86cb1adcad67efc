"""Token revocation (RFC 7009)."""

from __future__ import annotations

from typing import Literal

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.core.transport import Send
from vestal.oauth2.address import check_address
from vestal.oauth2.client_request import client_request, secrets_of
from vestal.oauth2.payload import read_payload
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refusal import refusal


def revoke(
    provider: OAuth2Provider,
    app: App,
    token: Secret,
    send: Send,
    clock: Clock,
    *,
    hint: Literal["access_token", "refresh_token"] = "refresh_token",
) -> None:
    """Tell the service to forget `token`. Of a refresh token it forgets the access tokens too (section 2.1).

    Success means that the token is good for nothing now: a service answers so for one that it does not know, too
    (section 2.2). After any error the token still lives; after a passing one, such as 503 with Retry-After
    (section 2.2.1), ask again. Raises `ConfigError` if the service has no revocation endpoint, `Unprocessable` if it does
    not revoke this kind of token, and other `VestalError`s.
    """
    url = check_address(provider.revocation_endpoint, "revocation endpoint", "revoke_url")
    request = client_request(provider, app, url, {"token": token, "token_type_hint": hint}, clock)
    response = send(request)
    error = refusal(
        response, read_payload(response), service=provider.label, sent=secrets_of(request, app), person=False
    )
    if error is not None:
        raise error
