"""How often in a row each owner has met a secondary limit, so that it is left alone longer each time."""

from __future__ import annotations

import threading

from vestal.core.fork import Forked, tell


class Strikes(Forked):
    """Counts by owner. Safe for use from any thread.

    Requests that were under way when a limit was met are part of that time: refused, they are no further one, and
    answered, they do not show that it is over. Times are epoch seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: dict[str, tuple[int, float]] = {}
        """By owner: how often in a row, and when last."""
        tell(self)

    def strike(self, owner: str, sent_at: float, now: float) -> int:
        """A request that was sent then met a secondary limit; how often in a row that has happened."""
        with self._lock:
            count, last = self._met.get(owner, (0, float("-inf")))
            if sent_at > last or not count:
                count, last = count + 1, now
            self._met[owner] = count, last
            return count

    def forgive(self, owner: str, sent_at: float) -> None:
        """A request that was sent then went through."""
        if owner not in self._met:
            return
        with self._lock:
            if owner in self._met and sent_at > self._met[owner][1]:
                del self._met[owner]

    def in_child(self) -> None:
        """After a fork: another thread may have held the lock."""
        self._lock = threading.Lock()
