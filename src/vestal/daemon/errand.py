"""One errand of the refresher: see to one credential that is due."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vestal.core.credential import LOGIN_GRANTS, Credential
from vestal.core.decision import Demand
from vestal.core.errors import Category, UnexpectedError, VestalError
from vestal.daemon.schedule import REFUSED_AGAIN
from vestal.stores.codec import public_part

if TYPE_CHECKING:
    from vestal.home import Home

PASSING, LASTING = 30.0, 300.0
"""Seconds after which what failed is tried again if its record says no time: for trouble that passes, and for what a person
must mend where the record does not show that it was (a provider's entry, an app that is missing)."""

LONGEST_REST = 60.0
"""Seconds for which a whole queue rests at most because of one credential's answer."""

_log = logging.getLogger("vestal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it."""

    public: Mapping[str, Any] | None = None
    """The readable part of the record as it is now; None: it could not be read."""
    revision: int | None = None
    refreshed: bool = False
    error: str | None = None
    """The category of the failure."""
    wait: float = 0.0
    """Seconds before which it is not tried again."""
    rest: float | None = None
    """Seconds for which the service wants, or needs, to be left alone."""
    busy: bool = False
    """Somebody else is at it."""
    needs_login: bool = False
    """There is nothing to refresh with."""
    gone: bool = False
    """It has been removed."""


def run(home: Home, name: str, revision: int) -> Result:
    """Refresh a credential that was due at `revision`, unless it has changed since. Raises nothing."""
    error: VestalError
    try:
        credential = home.store.load(name)
        if credential is None:
            return Result(gone=True)
        if credential.revision != revision:
            return _found(credential)
        if _nothing_to_send(home, credential):
            return Result(public=public_part(credential), revision=revision, needs_login=True)
        if home.store.leased(name):
            return Result(busy=True)  # or one whose lease shares its file: not worth a place to wait for it
        outlived = None if credential.token is None else credential.token.version
        fresh = home.lifecycle.refresh(name, Demand(outlived=outlived, early=True))
        return _found(fresh, refreshed=True)
    except VestalError as trouble:
        error = trouble.copy()
    except Exception as trouble:  # a defect: the thread goes on with others
        _log.error("seeing to %s failed with %s", name, type(trouble).__name__)
        error = UnexpectedError(type(trouble).__name__, credential=name)
    return _failed(home, name, error)


def _nothing_to_send(home: Home, credential: Credential) -> bool:
    """A login's grant without a refresh token: before the first login, or where the service gives none."""
    if credential.app.grant not in LOGIN_GRANTS or credential.refresh_token is not None:
        return False
    from vestal.oauth2.provider import OAuth2Provider

    return isinstance(home.provider_of(credential), OAuth2Provider)  # others may have something else to send


def _found(credential: Credential, *, refreshed: bool = False) -> Result:
    return Result(public=public_part(credential), revision=credential.revision, refreshed=refreshed)


def _failed(home: Home, name: str, error: VestalError) -> Result:
    now = home.clock.now()
    credential: Credential | None = None
    try:
        credential = home.store.load(name)
        if credential is None:
            return Result(gone=True)
    except VestalError:
        pass
    noted = None if credential is None else credential.last_error
    retry_at = None if noted is None or noted.category != error.category.value else noted.retry_at
    wait = PASSING if error.passing else LASTING
    if error.category is Category.AUTH_FAILED:
        wait = REFUSED_AGAIN
    if error.retry_after is not None:
        wait = error.retry_after
    elif retry_at is not None and retry_at > now:
        wait = retry_at - now
    rests = error.category in (Category.CIRCUIT_OPEN, Category.RATE_LIMIT_EXCEEDED)
    return Result(
        public=None if credential is None else public_part(credential),
        revision=None if credential is None else credential.revision,
        error=error.category.value,
        wait=wait,
        rest=min(error.retry_after or PASSING, LONGEST_REST) if rests else None,
    )
