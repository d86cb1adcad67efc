"""Expired tokens, and what is remembered of their installations, are let go of every 10 minutes by a client that is used."""

from __future__ import annotations

import logging
import threading

from vestal.core.clock import Clock
from vestal.core.fork import Forked, tell
from vestal.services.github.api.installed import Installed
from vestal.services.github.api.lookup import Lookup

EVERY = 600.0
"""Seconds."""

_log = logging.getLogger("vestal.github")


class Cleanup(Forked):
    """When it was last done, and the doing. Safe for use from any thread; nothing here blocks on I/O.

    What is let go of is memory. The credential stays in the store, with its counts and its history.
    """

    def __init__(self, lookup: Lookup | None, clock: Clock) -> None:
        self._lookup = lookup
        self._clock = clock
        self._lock = threading.Lock()
        self.last = clock.now()
        """Epoch seconds; when the client was made, if it was not done yet."""
        self._steady = clock.steady()
        tell(self)

    def if_due(self) -> None:
        """Do it, if it is 10 minutes since the last time."""
        if self.since() >= EVERY:
            self.run()

    def since(self) -> float:
        """Seconds since the last time."""
        return self._clock.steady() - self._steady

    def run(self) -> int:
        """Let go of the tokens that have expired; how many there were."""
        now, count = self._clock.now(), 0
        with self._lock:
            self.last, self._steady = now, self._clock.steady()
            if self._lookup is not None:
                count = sum(self._let_go(self._lookup, found, now) for found in self._lookup.installations())
        if count:
            _log.info("%d expired installation tokens were let go of", count)
        return count

    def in_child(self) -> None:
        """After a fork: another thread may have held the lock."""
        self._lock = threading.Lock()

    @staticmethod
    def _let_go(lookup: Lookup, found: Installed, now: float) -> bool:
        if not found.expired(now):
            return False
        lookup.drop(found)
        found.forget_token()
        return True
