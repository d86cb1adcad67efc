"""What has happened to each credential lately, for charts and timelines: its attempts to get a token, in bounded memory."""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from vestal.core.errors import Category
from vestal.core.events import Event, Kind

ATTEMPTS = 100
"""Attempts that are remembered of one credential."""

CREDENTIALS = 1000
"""Credentials whose attempts are remembered: the one that nothing has happened to for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to get a token, with its end."""

    at: float
    """When it began, in epoch seconds."""
    seconds: float
    """How long it took, with its retries, by the wall clock. 0 for a login: how long a person takes is not measured."""
    ok: bool
    reason: str
    """Why: `due`, `early`, `refused` or `asked` (`Kind.REFRESH_STARTED`), or `login`; empty if its beginning was missed."""
    category: str | None = None
    """Of the error that it ended in."""
    version: int | None = None
    """Of the token that it brought."""
    what: str = "refresh"
    """`refresh`, `recovery` (it finished a refresh that somebody had left open) or `login`."""
    credential: str = ""
    """Whose."""


@dataclass(frozen=True, slots=True)
class Recent:
    """What is remembered of one credential."""

    attempts: tuple[Attempt, ...] = ()
    """The oldest first."""


@dataclass(slots=True)
class _Record:
    attempts: deque[Attempt]
    began: Event | None = None
    """The beginning of the attempt under way. One that never ends, since its worker lost its race, gives way to the next."""
    recovering: bool = field(default=False)


class Activity:
    """Hears the core's events in whatever thread they happen. Safe for use from any thread; it waits for nothing."""

    def __init__(self, attempts: int = ATTEMPTS, credentials: int = CREDENTIALS) -> None:
        """`attempts`: how many of each credential are remembered; `credentials`: of how many."""
        self._lock = threading.Lock()
        self._length, self._most = attempts, credentials
        self._records: OrderedDict[str, _Record] = OrderedDict()
        """The one that something happened to last is at the end."""

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if event.kind not in _HEARD:
            return
        with self._lock:
            record = self._record(event.credential)
            if event.kind is Kind.REFRESH_STARTED:
                record.began, record.recovering = event, False
            elif event.kind is Kind.RECOVERY_STARTED:
                record.recovering = True
            else:
                record.attempts.append(_ended(record, event))
                if event.kind is not Kind.LOGGED_IN:
                    record.began, record.recovering = None, False

    def of(self, name: str) -> Recent:
        """What is remembered of a credential: nothing, if nothing has happened to it since the daemon started."""
        with self._lock:
            record = self._records.get(name)
            return Recent() if record is None else Recent(tuple(record.attempts))

    def recent(self, limit: int, sees: Callable[[str], bool] | None = None) -> list[Attempt]:
        """The last attempts of all credentials that `sees` says yes to (None: of all), the newest first."""
        with self._lock:
            seen = [reversed(each.attempts) for name, each in self._records.items() if sees is None or sees(name)]
            return list(islice(heapq.merge(*seen, key=lambda attempt: attempt.at, reverse=True), max(limit, 0)))

    def _record(self, name: str) -> _Record:
        """Under the lock."""
        record = self._records.get(name)
        if record is None:
            record = self._records[name] = _Record(deque(maxlen=self._length))
            if len(self._records) > self._most:
                self._records.popitem(last=False)
        self._records.move_to_end(name)
        return record


def _ended(record: _Record, event: Event) -> Attempt:
    """The attempt that an event is the end of."""
    name, ok, version = event.credential, event.kind is not Kind.REFRESH_FAILED, event.data.get("version")
    if event.kind is Kind.LOGGED_IN:
        return Attempt(event.at, 0.0, ok, "login", None, version, "login", name)
    began = event if record.began is None else record.began
    return Attempt(
        at=began.at,
        seconds=max(event.at - began.at, 0.0),
        ok=ok,
        reason=str(event.data.get("reason") or began.data.get("reason", "")),
        category=None if ok else str(event.data.get("category", Category.UNEXPECTED_ERROR.value)),
        version=version if ok else None,
        what=str(event.data.get("what") or ("recovery" if record.recovering else "refresh")),
        credential=name,
    )


_HEARD = frozenset({Kind.REFRESH_STARTED, Kind.RECOVERY_STARTED, Kind.REFRESHED, Kind.REFRESH_FAILED, Kind.LOGGED_IN})
