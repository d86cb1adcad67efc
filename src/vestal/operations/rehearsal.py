"""Checking an app without asking its service: its first request is put together, and not sent."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vestal.core.credential import LOGIN_GRANTS, App, Credential
from vestal.core.errors import ConfigError, NeedsLogin
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response

if TYPE_CHECKING:
    from vestal.home import Home
    from vestal.oauth2.provider import OAuth2Provider


def rehearse(home: Home, app: App, provider: OAuth2Provider, refresh_token: Secret | None) -> list[str]:
    """Notes on what may not work. Raises `ConfigError` for what can't: addresses, keys, what the grant lacks."""
    notes = []
    if app.grant not in provider.grants and app.provider != "custom":
        notes.append(
            f"{provider.label} is not known to have the grant {app.grant}; it has {', '.join(provider.grants)}"
        )
    if not app.client_id and app.grant != "jwt_bearer":
        raise ConfigError("there is no client id", remedy="give it with --client-id")
    _check_addresses(app, provider, refresh_token)
    if app.private_key:
        _check_key(app, app.private_key)
    # With a refresh token in hand, or one to come of a login, it is the redemption of one that has to be possible.
    stake = refresh_token or (Secret("none yet") if app.grant in LOGIN_GRANTS else None)
    needed = provider.needs(Credential(name="rehearsal", app=app, refresh_token=stake))
    if needed is not None and needed not in home.store.names():
        notes.append(f"there is no credential {needed[:40]} yet, whose token is to be exchanged")
    subject = None if needed is None else Token(Secret("none yet"))
    with suppress(_Rehearsed, NeedsLogin):
        provider.refresh(
            Credential(name="rehearsal", app=app, refresh_token=stake, subject=subject), _unsent, home.clock
        )
    return notes


def _check_addresses(app: App, provider: OAuth2Provider, refresh_token: Secret | None) -> None:
    from vestal.oauth2.address import check_address

    needed = {"authorization_code": "authorize_url", "device_code": "device_url"}.get(app.grant)
    for url, what, setting in (
        (provider.authorization_endpoint, "authorization endpoint", "authorize_url"),
        (provider.device_authorization_endpoint, "device authorization endpoint", "device_url"),
        (provider.revocation_endpoint, "revocation endpoint", "revoke_url"),
        (provider.introspection_endpoint, "introspection endpoint", "introspect_url"),
    ):
        if url or (setting == needed and not refresh_token):
            check_address(url, what, setting)


def _check_key(app: App, key: Secret) -> None:
    from vestal.oauth2.jose import read_key

    read_key(key, algorithm=app.settings.get("assertion_algorithm"), key_id=app.settings.get("key_id"))


class _Rehearsed(Exception):
    """The request could be put together."""


def _unsent(request: Request) -> Response:
    raise _Rehearsed
