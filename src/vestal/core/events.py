"""Events: what the lifecycle tells whoever listens. Logging and counters are listeners like any other.

A listener is called in the thread that does the work, between its steps, and must be quick. What it raises is logged and
stops nothing. An event never carries a secret.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_log = logging.getLogger("vestal")


class Kind(enum.StrEnum):
    """The steps of a refresh in their order, then the rest."""

    LEASE_TAKEN = "lease_taken"
    """A worker holds the right to refresh; it reads the credential again now."""
    REFRESH_STARTED = "refresh_started"
    """The credential does need a refresh. `reason`: due, early, refused or asked; `version`: of the present token."""
    INTENT_SAVED = "intent_saved"
    """The note "I am about to redeem this refresh token" is on the disk. `fingerprint`: of the refresh token."""
    RESPONSE_RECEIVED = "response_received"
    """The service has answered. `status`."""
    RESPONSE_SAVED = "response_saved"
    """The raw answer is on the disk, sealed."""
    TOKEN_PARSED = "token_parsed"
    """The answer holds a token."""
    TOKEN_SAVED = "token_saved"
    """The new token is on the disk, and the intent is gone from there. `version`."""
    REFRESHED = "refreshed"
    """The refresh has ended well. `version`; `reason`; `what`: refresh or recovery."""

    RECOVERY_STARTED = "recovery_started"
    """Somebody else's refresh was interrupted, and is finished now. `answered`, `replayed`: how far it had come."""
    REPLAY_STARTED = "replay_started"
    """A refresh token whose redemption had an unknown outcome is sent once more. `cause`."""
    RETRY_SCHEDULED = "retry_scheduled"
    """An attempt failed for a passing reason. `cause`; `wait` in seconds; `tries` so far."""
    REFRESH_FAILED = "refresh_failed"
    """The refresh has ended in an error. `category`, `message`."""
    LOGIN_NEEDED = "login_needed"
    """A person has to log in. `reason`: missing, refused or interrupted refresh."""
    LOGGED_IN = "logged_in"
    """A person has logged in. `version`."""
    CHANGED = "changed"
    """A person changed the credential: its app, its refresh token, or that a login is under way."""
    TOKEN_ADOPTED = "token_adopted"
    """The store had a good token: loaded for the first time, or refreshed by another worker. `version`."""
    TOKEN_REFUSED = "token_refused"
    """A caller reported a token that a service refused (401). `version`."""
    STALE_SERVED = "stale_served"
    """A due refresh failed for a passing reason; callers got the token that is still valid. `cause`; `left` in seconds."""
    CLOCK_JUMPED = "clock_jumped"
    """The wall clock was set. `seconds`: by how much."""
    STORE_FAILED = "store_failed"
    """The store did not take a step. `step`: response, token or failure; `cause`."""

    MEMBER_BENCHED = "member_benched"
    """A pool does without a member whose token is refused for good. `member`, `reason`."""
    MEMBER_BACK = "member_back"
    """It is used again. `member`."""
    MEMBER_RESTS = "member_rests"
    """The service wants a member's owner to be left alone. `member`; `until` in epoch seconds."""
    POOL_EXHAUSTED = "pool_exhausted"
    """No member of a pool has anything left. `bucket`; `reset_at` in epoch seconds."""


_LEVELS = {
    Kind.REFRESHED: logging.INFO,
    Kind.LOGGED_IN: logging.INFO,
    Kind.RECOVERY_STARTED: logging.WARNING,
    Kind.REPLAY_STARTED: logging.WARNING,
    Kind.RETRY_SCHEDULED: logging.WARNING,
    Kind.REFRESH_FAILED: logging.WARNING,
    Kind.LOGIN_NEEDED: logging.ERROR,
    Kind.STALE_SERVED: logging.WARNING,
    Kind.CLOCK_JUMPED: logging.WARNING,
    Kind.STORE_FAILED: logging.WARNING,
    Kind.MEMBER_BENCHED: logging.WARNING,
    Kind.MEMBER_BACK: logging.INFO,
    Kind.MEMBER_RESTS: logging.WARNING,
    Kind.POOL_EXHAUSTED: logging.WARNING,
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a credential at `at` (epoch seconds). `data` is small, plain and never secret.

    For what happens to a pool, `credential` is the pool's name.
    """

    kind: Kind
    credential: str
    at: float
    data: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


class Events:
    """Calls the listeners in turn."""

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners: tuple[Listener, ...] = tuple(listeners)

    def listen(self, listener: Listener) -> None:
        """Add a listener."""
        self._listeners = (*self._listeners, listener)

    def emit(self, event: Event) -> None:
        """Tell all listeners; a failing one is logged and the others still hear."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a listener must not break a refresh
                _log.exception("a listener failed on %s", event.kind.value)


def log_events(event: Event) -> None:
    """The listener that writes to the logger `vestal`."""
    detail = " ".join(f"{key}={value}" for key, value in event.data.items())
    _log.log(_LEVELS.get(event.kind, logging.DEBUG), "%s %s %s", event.credential, event.kind.value, detail)


class EventCounter:
    """The listener that counts events by credential and kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Kind]] = Counter()

    def __call__(self, event: Event) -> None:
        """Count one event."""
        with self._lock:
            self._counts[event.credential, event.kind] += 1

    def count(self, kind: Kind, credential: str | None = None) -> int:
        """How often `kind` happened, to one credential or to all."""
        with self._lock:
            return sum(n for (name, k), n in self._counts.items() if k is kind and credential in (None, name))
