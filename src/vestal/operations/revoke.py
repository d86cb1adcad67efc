"""Ending a grant: at the service (RFC 7009), then here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vestal.core.credential import LOGIN_GRANTS, Credential, LastError, Past
from vestal.core.errors import Category, ConfigError, Conflict, StoreUnavailable, Unprocessable, VestalError
from vestal.core.events import Kind
from vestal.core.lifecycle import LEASE_TIMEOUT

if TYPE_CHECKING:
    from vestal.home import Home


def revoke(home: Home, name: str, *, local: bool = False) -> tuple[str, ...]:
    """Make the tokens of a credential worthless, the refresh token first, and forget them. What was revoked, in words.

    With `local`, they are only forgotten here. The app stays: after a login there are new ones. Nothing is forgotten that
    the service did not confirm. Waits for a refresh under way. Raises `ConfigError` if the service has no revocation
    endpoint, and what it answers.
    """
    credential = home.lifecycle.load(name)
    if not local and not home.provider_for(credential.app).revocation_endpoint:
        raise ConfigError(
            "the service has no revocation endpoint that is known",
            credential=name,
            remedy="revoke it in the service's settings, then run with --local; or add --set revoke_url=URL",
        )
    with home.store.lease(name, LEASE_TIMEOUT):
        credential = home.lifecycle.load(name)
        if local:
            _save(home, _forgotten(credential, home.clock.now(), "here only"))
            return ()
        return _revoke(home, credential)


def _revoke(home: Home, credential: Credential) -> tuple[str, ...]:
    from vestal.oauth2.revocation import revoke

    provider = home.provider_for(credential.app)
    done: list[str] = []
    failure: VestalError | None = None
    refresh_token, token = credential.refresh_token, credential.token
    try:
        if refresh_token:
            revoke(provider, credential.app, refresh_token, home.send, home.clock, hint="refresh_token")
            done.append("refresh token")
        if token is not None:
            revoke(provider, credential.app, token.access_token, home.send, home.clock, hint="access_token")
            done.append("access token")
    except Unprocessable as error:
        # RFC 7009, section 2.2.1: a service may not revoke access tokens; they end with the refresh token, or soon.
        failure = None if done else error.copy()
    except VestalError as error:
        failure = error.copy()
    if done and failure is None:
        _save(home, _forgotten(credential, home.clock.now(), "at the service"))
    elif done:  # the refresh token is dead, the access token is not
        _save(home, replace(credential, refresh_token=None, refresh_token_expires_at=None, intent=None))
    if failure is not None:
        failure.credential = credential.name
        raise failure
    return tuple(done)


def _forgotten(credential: Credential, now: float, where: str) -> Credential:
    """Without its tokens. One that a person logs in to needs a login now; others get a new token when asked."""
    needs_login = bool(credential.refresh_token) or credential.app.grant in LOGIN_GRANTS
    error = LastError(
        category=Category.NEEDS_LOGIN.value,
        message=f"it was revoked {where}",
        at=now,
        remedy=f"run `vestal login {credential.name}`",
        reason="revoked",
    )
    return replace(
        credential,
        token=None,
        refresh_token=None,
        refresh_token_expires_at=None,
        intent=None,
        suspect=False,
        rotating=None,
        last_error=error if needs_login else None,
        history=credential.remembering(Past(at=now, what="revocation", version=credential.version, detail=where)),
    )


def _save(home: Home, credential: Credential) -> None:
    """Under the lease, so that nobody else saves."""
    try:
        home.store.save(credential)
        home.lifecycle.emit(Kind.CHANGED, credential.name)
        return
    except Conflict:
        pass
    raise StoreUnavailable(
        "somebody changed the credential without its lease", credential=credential.name, remedy="try again"
    )
