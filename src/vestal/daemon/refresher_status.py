"""How the refresher stands, for people and metrics. Nothing in it is secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from vestal.daemon.errand import Result
from vestal.daemon.schedule import Entry


@dataclass(slots=True)
class Status:
    """Counts are since the start where they count what happened; moments are epoch seconds."""

    credentials: int = 0
    holds: Mapping[str, int] = field(default_factory=dict)
    """How many have no next refresh, or a late one, by why: see `vestal.daemon.schedule.Hold`."""
    waiting: int = 0
    """Refreshes that are due and wait for their turn."""
    running: int = 0
    next_due: float | None = None
    resting: Mapping[str, float] = field(default_factory=dict)
    """Providers and addresses that are left alone, and for how many seconds more."""
    refreshed: int = 0
    """Ended well; another worker's token that was adopted counts as well."""
    failed: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """By category."""
    swept: int = 0
    """Expired entries that were removed from memory."""
    last_look: float | None = None
    """When the store was last looked at."""
    look_took: float = 0.0
    """Seconds."""
    look_failed: str = ""
    """Why the last look failed; empty if it did not."""

    def count(self, result: Result) -> None:
        """Take in the result of one errand."""
        self.refreshed += result.refreshed
        if result.error is not None:
            self.failed += 1
            self.failures = {**self.failures, result.error: self.failures.get(result.error, 0) + 1}

    def counted(
        self,
        entries: Iterable[Entry],
        *,
        waiting: int,
        running: int,
        next_due: float | None,
        resting: Mapping[str, float],
    ) -> Status:
        """The same with what stands in the schedule now."""
        holds = Counter("" if entry.hold is None else entry.hold.value for entry in entries)
        credentials = holds.total()
        del holds[""]
        return replace(
            self,
            credentials=credentials,
            holds=dict(holds),
            waiting=waiting,
            running=running,
            next_due=next_due,
            resting=resting,
        )
