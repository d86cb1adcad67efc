"""`Credential`: one grant under one app, by name. An immutable value: the store keeps it, the lifecycle replaces it."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from vestal.core.errors import ConfigError, NeedsLogin, VestalError
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.token import Token

HISTORY_LENGTH = 32
"""How many past refreshes a credential remembers."""

LOGIN_GRANTS = ("refresh_token", "authorization_code", "device_code")
"""The grants of an app that begin with a login, or go on with what one has left behind."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]*(/[A-Za-z0-9][A-Za-z0-9._@:+-]*)*")


def check_name(name: str) -> str:
    """`name`, if it can name a credential: letters, digits and `._@:+-`, in parts divided by `/`, 200 at most.

    Raises ConfigError.
    """
    if len(name) > 200 or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name[:40]!r} can't name a credential",
            remedy="use letters, digits and ._@:+- in parts divided by '/', 200 characters at most",
        )
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A registration at a provider."""

    provider: str
    """Its name in the catalogue, or `custom` if `settings` hold all that is known."""
    client_id: str = ""
    client_secret: Secret | None = None
    private_key: Secret | None = None
    """PEM or JWK, for private_key_jwt and the JWT bearer grant."""
    client_auth: str | None = None
    """`basic`, `post`, `none` or `private_key_jwt`; None: as the provider has it."""
    grant: str = "refresh_token"
    scopes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    """Endpoints, parameters and options beyond the provider's own. Not secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The durable note "I am about to redeem this refresh token". It is open from before the sending until the saving."""

    fingerprint: str
    """Of the refresh token."""
    at: float
    version: int
    """Of the credential when the note was written."""
    holder: str
    """Host, process and thread of the worker."""
    replayed: bool = False
    """True once the one replay after an unknown outcome has been begun."""
    responses: tuple[Secret, ...] = ()
    """Raw answers as they came (see `vestal.core.journal`), in the order of the requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastError:
    """The last failure, as it is shown to people. `retry_at` is when the next attempt may be made."""

    category: str
    message: str
    at: float
    remedy: str = ""
    passing: bool = False
    """Whether trying again can help."""
    retry_at: float | None = None
    reason: str | None = None
    """For NEEDS_LOGIN: why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One line of a credential's history."""

    at: float
    what: str
    """`login`, `refresh`, `recovery` or `failure`."""
    version: int
    detail: str = ""
    """Why it was asked for, or the category of the failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One grant under one app."""

    name: str
    app: App
    token: Token | None = None
    refresh_token: Secret | None = None
    refresh_token_expires_at: float | None = None
    version: int = 0
    """Counts its tokens; only grows. 0: there has been none."""
    revision: int = 0
    """Counts its writes to the store; what compare-and-set compares. 0: not in the store yet."""
    created_at: float = 0.0
    refreshed_at: float | None = None
    refresh_count: int = 0
    failures: int = 0
    """Failed refreshes since the last good one."""
    refusals: int = 0
    """Times in a row that a token was reported as refused when it had only just been issued."""
    rotating: bool | None = None
    """Whether the service was seen to replace the refresh token; None: not known yet."""
    refused: tuple[str, ...] = ()
    """Fingerprints of what the service has refused for good: it is not sent again until it changes."""
    suspect: bool = False
    """A redemption ended with an unknown outcome: a later refusal is an interrupted refresh, not a revocation."""
    authorizing_until: float | None = None
    """A person is logging in; epoch seconds of that login's limit."""
    last_error: LastError | None = None
    intent: Intent | None = None
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """More that must be kept secret, by name: a DPoP key, an ID token."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else the service said of the grant and is not secret (JSON values)."""
    history: tuple[Past, ...] = ()
    subject: Token | None = field(default=None, compare=False)
    """Another credential's token for a grant that needs one (token exchange). Never stored."""
    registration: App | None = field(default=None, compare=False)
    """The app of the credential that the setting `app` names: it holds the key for all that belong to it. Never stored."""

    def remembering(self, past: Past) -> tuple[Past, ...]:
        """The history with one more line."""
        return (*self.history, past)[-HISTORY_LENGTH:]

    def granted(self, grant: Grant, *, sent_at: float, now: float, what: str, detail: str = "") -> Credential:
        """The credential after a service granted a new token.

        A reply without a refresh token, or with an empty one, leaves the present one in force (RFC 6749, section 6).
        """
        version = self.version + 1
        refresh_token = grant.refresh_token or self.refresh_token
        rotating = self.rotating
        if self.refresh_token is not None and what != "login":
            rotating = rotating or refresh_token != self.refresh_token
        return replace(
            self,
            token=grant.token(version, sent_at, default_scope=self._scope_asked(what)),
            refresh_token=refresh_token,
            refresh_token_expires_at=(
                sent_at + grant.refresh_token_expires_in
                if grant.refresh_token_expires_in is not None
                else (self.refresh_token_expires_at if refresh_token == self.refresh_token else None)
            ),
            version=version,
            refreshed_at=now,
            refresh_count=self.refresh_count + (what != "login"),
            failures=0,
            rotating=rotating,
            refused=(),
            suspect=False,
            authorizing_until=None if what == "login" else self.authorizing_until,
            last_error=None,
            intent=None,
            secrets={**self.secrets, **grant.secrets},
            extra={**self.extra, **grant.extra},
            history=self.remembering(Past(at=now, what=what, version=version, detail=detail)),
        )

    def _scope_asked(self, what: str) -> str:
        return self.token.scope if self.token is not None and what != "login" else " ".join(self.app.scopes)

    def in_place_of(self, old: Credential) -> Credential:
        """The same, made anew, as the successor of `old`: counts and history go on.

        Without a refresh token of its own it takes over that of `old`, and all that hangs on it.
        """
        made = replace(
            self,
            version=old.version,
            revision=old.revision,
            created_at=old.created_at,
            refresh_count=old.refresh_count,
            history=old.history,
        )
        if self.refresh_token is not None:
            return made
        return replace(
            made,
            refresh_token=old.refresh_token,
            refresh_token_expires_at=old.refresh_token_expires_at,
            rotating=old.rotating,
            suspect=old.suspect,
            intent=old.intent,
            secrets={**self.secrets, **old.secrets},
        )

    def failed(self, error: VestalError, *, now: float, retry_at: float | None, detail: str = "") -> Credential:
        """The credential after a refresh failed with `error`."""
        return replace(
            self,
            failures=self.failures + 1,
            last_error=LastError(
                category=error.category.value,
                message=error.message,
                at=now,
                remedy=error.remedy,
                passing=error.passing,
                retry_at=retry_at,
                reason=error.reason if isinstance(error, NeedsLogin) else None,
            ),
            history=self.remembering(
                Past(at=now, what="failure", version=self.version, detail=error.category.value + detail)
            ),
        )


class State(enum.StrEnum):
    """What a credential is doing, or waiting for."""

    IDLE = "idle"
    REFRESHING = "refreshing"
    AUTHORIZING = "authorizing"
    NEEDS_LOGIN = "needs_login"
    ERROR = "error"


class TokenState(enum.StrEnum):
    """What its token is good for."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    MISSING = "missing"


def state(credential: Credential, *, now: float, leased: bool) -> State:
    """The truth about a credential, from its record and from whether somebody holds its lease now.

    Nothing here is a flag that a killed worker could have left behind: an intent without a lease is an interrupted
    refresh (an error that the next caller mends), not a refresh. One that no caller may mend but a person needs a login.
    """
    error, intent = credential.last_error, credential.intent
    needs_login = error is not None and error.category == NeedsLogin.category.value
    if intent is not None and leased:
        return State.REFRESHING
    if intent is not None and (intent.responses or not needs_login):
        return State.ERROR
    if credential.authorizing_until is not None and now < credential.authorizing_until:
        return State.AUTHORIZING
    if needs_login:
        return State.NEEDS_LOGIN
    return State.IDLE if error is None else State.ERROR
