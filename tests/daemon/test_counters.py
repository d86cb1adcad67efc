from __future__ import annotations

from vestal.core.events import Event, Kind
from vestal.daemon.counters import OTHER, Counters


def happened(kind: Kind, name: str, at: float = 0.0, **data: object) -> Event:
    return Event(kind, name, at, data)


def test_refreshes() -> None:
    counters = Counters()
    counters(happened(Kind.LEASE_TAKEN, "alice"))
    counters(happened(Kind.REFRESH_STARTED, "alice", 10.0))
    assert counters.under_way == 1
    counters(happened(Kind.REFRESHED, "alice", 10.3))
    counters(happened(Kind.REFRESH_STARTED, "alice", 20.0))
    counters(happened(Kind.REFRESH_FAILED, "alice", 19.0, category="TIMEOUT"))  # the clock was set back
    counters(happened(Kind.TOKEN_ADOPTED, "alice"))
    tally, shown = counters.of("alice"), counters.shown["alice"]
    assert (tally.refreshes, tally.refreshed, tally.failed, counters.under_way) == (2, 1, 1, 0)
    assert (shown.failed, shown.leases) == ({"TIMEOUT": 1}, 1)
    assert sum(shown.refresh.counts) == 2
    assert 0.29 < shown.refresh.total < 0.31


def test_names_are_bounded() -> None:
    counters = Counters(names=3)
    for number in range(10):
        counters.asked(f"c{number}", hit=number % 2 == 0)
    counters.asked("c0", hit=True)
    assert list(counters.shown) == ["c0", "c1", "c2", OTHER]
    assert (counters.shown["c0"].hits, counters.shown[OTHER].hits, counters.shown[OTHER].misses) == (2, 3, 4)
    assert counters.of("c9").misses == 1
    total = counters.total(["c0", "c9", "nobody"])
    assert (total.hits, total.misses, total.gets) == (2, 1, 3)


def test_buckets() -> None:
    counters = Counters()
    for waited in (0.0, 0.0005, 0.0006, 1000.0):
        counters.asked("alice", hit=True, waited=waited)
    counts = counters.shown["alice"].wait.counts
    assert (counts[0], counts[1], counts[-1]) == (2, 1, 1)
