"""What was asked of credentials, and what became of their refreshes. Fed by the token routes and by the core's events."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vestal.core.errors import Category
from vestal.core.events import Event, Kind

NAMES = 200
"""Credentials that metrics tell apart; the later ones are `other` together."""

OTHER = "other"

BUCKETS = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Upper ends of the histograms' buckets, in seconds."""


@dataclass(slots=True)
class Histogram:
    """How long things took."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Tally:
    """One credential's numbers. Those of requests belong to the event loop's thread, those of refreshes to the lock."""

    hits: int = 0
    """Requests that got the token at hand."""
    misses: int = 0
    """Requests that had to wait for one, or got none."""
    refreshes: int = 0
    """Begun."""
    refreshed: int = 0
    failed: int = 0
    started: float | None = None
    """When the refresh under way began, in epoch seconds."""

    @property
    def gets(self) -> int:
        """Requests."""
        return self.hits + self.misses


@dataclass(slots=True)
class Shown:
    """The numbers under one name of the metrics."""

    hits: int = 0
    misses: int = 0
    refreshed: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    """By category."""
    leases: int = 0
    wait: Histogram = field(default_factory=Histogram)
    refresh: Histogram = field(default_factory=Histogram)


class Counters:
    """The numbers of one daemon. Listen to events with it; `asked` is for the event loop's thread."""

    def __init__(self, names: int = NAMES) -> None:
        """`names`: how many credentials the metrics tell apart."""
        self._lock = threading.Lock()
        self._limit = names
        self._tallies: dict[str, Tally] = {}
        self._shown: dict[str, Shown] = {}

    def asked(self, name: str, *, hit: bool, waited: float = 0.0) -> None:
        """Somebody asked for a token, and waited so many seconds."""
        tally = self._tallies.get(name) or self._new(name)
        shown = self._shown.get(name) or self._shown[OTHER]
        if hit:
            tally.hits += 1
            shown.hits += 1
        else:
            tally.misses += 1
            shown.misses += 1
        shown.wait.add(waited)

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if event.kind not in _HEARD:
            return
        tally = self._tallies.get(event.credential) or self._new(event.credential)
        shown = self._shown.get(event.credential) or self._shown[OTHER]
        with self._lock:
            if event.kind is Kind.LEASE_TAKEN:
                shown.leases += 1
            elif event.kind is Kind.REFRESH_STARTED:
                tally.refreshes += 1
                tally.started = event.at
            else:
                if tally.started is not None:
                    shown.refresh.add(max(event.at - tally.started, 0.0))
                    tally.started = None
                if event.kind is Kind.REFRESHED:
                    tally.refreshed += 1
                    shown.refreshed += 1
                else:
                    tally.failed += 1
                    category = str(event.data.get("category", Category.UNEXPECTED_ERROR.value))
                    shown.failed[category] = shown.failed.get(category, 0) + 1

    def of(self, name: str) -> Tally:
        """The numbers of one credential."""
        return self._tallies.get(name) or Tally()

    def total(self, names: Iterable[str]) -> Tally:
        """The sums over some."""
        total = Tally()
        for tally in filter(None, map(self._tallies.get, names)):
            total.hits += tally.hits
            total.misses += tally.misses
            total.refreshes += tally.refreshes
            total.refreshed += tally.refreshed
            total.failed += tally.failed
        return total

    @property
    def shown(self) -> Mapping[str, Shown]:
        """What the metrics tell, by credential; the last name may be `other`."""
        return dict(self._shown)

    @property
    def under_way(self) -> int:
        """Refreshes under way in this process."""
        return sum(tally.started is not None for tally in list(self._tallies.values()))

    def _new(self, name: str) -> Tally:
        with self._lock:
            if name not in self._shown:
                self._shown.setdefault(name if len(self._shown) < self._limit else OTHER, Shown())
            return self._tallies.setdefault(name, Tally())


_HEARD = frozenset({Kind.LEASE_TAKEN, Kind.REFRESH_STARTED, Kind.REFRESHED, Kind.REFRESH_FAILED})
