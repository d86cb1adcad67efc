"""A credential as it is shown to people and programs: everything but its secrets, as JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vestal.core.credential import LOGIN_GRANTS, Credential, LastError, State, TokenState, state
from vestal.core.errors import VestalError
from vestal.core.margins import from_the_future, margins
from vestal.operations.times import rfc3339

if TYPE_CHECKING:
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Seen:
    """A credential with what can't be told from its record alone."""

    credential: Credential
    now: float
    """Epoch seconds: when it was looked at."""
    leased: bool
    """Whether somebody was refreshing it then."""

    @property
    def state(self) -> State:
        """What the credential is doing, or waiting for. One that nobody has logged in to yet waits for that."""
        credential = self.credential
        known = state(credential, now=self.now, leased=self.leased)
        empty = credential.token is None and not credential.refresh_token and credential.app.grant in LOGIN_GRANTS
        return State.NEEDS_LOGIN if empty and known is State.IDLE else known

    @property
    def token_state(self) -> TokenState:
        """What its token is good for. It is `expiring` from the moment it is due to be refreshed."""
        token = self.credential.token
        if token is None:
            return TokenState.MISSING
        if token.expires_at is not None and self.now >= token.expires_at:
            return TokenState.EXPIRED
        soft_at = margins(token).soft_at
        due = from_the_future(token, self.now) or (soft_at is not None and self.now >= soft_at)
        return TokenState.EXPIRING if due else TokenState.VALID

    @property
    def next_refresh_at(self) -> float | None:
        """When the next refresh is due if somebody asks, in epoch seconds; None if there will be none by itself."""
        credential = self.credential
        if self.state is State.NEEDS_LOGIN:
            return None
        error = credential.last_error
        if error is not None and error.retry_at is not None and error.retry_at > self.now:
            return error.retry_at
        if credential.token is None:
            return self.now
        soft_at = margins(credential.token).soft_at
        return None if soft_at is None else max(soft_at, self.now)

    @property
    def interrupted(self) -> bool:
        """Whether a worker died in the middle of a refresh, which the next caller finishes."""
        return self.credential.intent is not None and not self.leased


def look(home: Home, name: str) -> Seen:
    """A credential as it is now. Raises `ConfigError` if there is none, and as `Store.load`."""
    return _seen(home, home.store.load(name) or home.lifecycle.load(name))


def look_at_all(home: Home) -> Iterator[tuple[str, Seen | VestalError]]:
    """All credentials by name; for those that can't be read, why. Raises as `Store.names`."""
    for name in home.store.names():
        found: Seen | VestalError
        try:
            credential = home.store.load(name)
            if credential is None:  # removed meanwhile
                continue
            found = _seen(home, credential)
        except VestalError as error:
            found = error.copy()
        yield name, found


def _seen(home: Home, credential: Credential) -> Seen:
    """An open intent is an interrupted refresh only if nobody holds the lease, and nobody saved anything meanwhile."""
    while credential.intent is not None and not home.store.leased(credential.name):
        again = home.store.load(credential.name)
        if again is None or again.revision == credential.revision:
            return Seen(credential, home.clock.now(), leased=False)
        credential = again
    return Seen(credential, home.clock.now(), leased=credential.intent is not None)


def overview(seen: Seen) -> dict[str, Any]:
    """All that may be shown of a credential, as JSON values. Times are RFC 3339 in UTC, lengths of time seconds."""
    credential, token, app = seen.credential, seen.credential.token, seen.credential.app
    left = None if token is None else token.expires_in(seen.now)
    return {
        "name": credential.name,
        "provider": app.provider,
        "state": seen.state.value,
        "token_state": seen.token_state.value,
        "version": credential.version,
        "created_at": rfc3339(credential.created_at),
        "refreshed_at": rfc3339(credential.refreshed_at),
        "refresh_count": credential.refresh_count,
        "last_error": error_of(credential.last_error),
        "token_type": None if token is None else token.token_type,
        "scope": None if token is None else token.scope,
        "expires_at": None if token is None else rfc3339(token.expires_at),
        "expires_in": None if left is None else int(left),
        "next_refresh_at": rfc3339(seen.next_refresh_at),
        "refresh_token": credential.refresh_token.fingerprint() if credential.refresh_token else None,
        "refresh_token_expires_at": rfc3339(credential.refresh_token_expires_at),
        "rotating": credential.rotating,
        "interrupted": seen.interrupted,
        "intent": _intent(credential),
        "failures": credential.failures,
        "grant": app.grant,
        "client_id": app.client_id,
        "client_auth": app.client_auth,
        "scopes": list(app.scopes),
        "settings": dict(app.settings),
        "holds": _holds(credential),
        "authorizing_until": rfc3339(credential.authorizing_until),
        "extra": dict(credential.extra),
        "history": [
            {"at": rfc3339(past.at), "what": past.what, "version": past.version, "detail": past.detail}
            for past in credential.history
        ],
    }


def error_of(error: LastError | None) -> dict[str, Any] | None:
    """A recorded failure as JSON values."""
    if error is None:
        return None
    return {
        "category": error.category,
        "message": error.message,
        "at": rfc3339(error.at),
        "remedy": error.remedy,
        "passing": error.passing,
        "retry_at": rfc3339(error.retry_at),
        "reason": error.reason,
    }


def _intent(credential: Credential) -> dict[str, Any] | None:
    intent = credential.intent
    if intent is None:
        return None
    return {
        "at": rfc3339(intent.at),
        "version": intent.version,
        "refresh_token": intent.fingerprint,
        "holder": intent.holder,
        "replayed": intent.replayed,
        "answered": bool(intent.responses),
    }


def _holds(credential: Credential) -> list[str]:
    """The names of the secrets that are kept, sealed."""
    named = {
        "access_token": credential.token,
        "refresh_token": credential.refresh_token,
        "client_secret": credential.app.client_secret,
        "private_key": credential.app.private_key,
    }
    return [*(name for name, held in named.items() if held), *credential.secrets]
