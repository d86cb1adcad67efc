"""How much one may ask of the daemon."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from vestal.core.refreshing import DEADLINE

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass(frozen=True, slots=True)
class Limits:
    """All times are seconds, all sizes bytes."""

    hosts: frozenset[str] = LOOPBACK
    """What a Host header over TCP may name, in lower case and without the port. A page whose name was made to point here
    (DNS rebinding) names itself."""
    body: int = 64 * 1024
    body_time: float = 10.0
    """For a request's body to arrive."""
    deadline: float = DEADLINE
    """For an answer: that of sources."""
    failed_keys: int = 10
    """Wrong keys from one address within `failed_window` before it is asked for patience."""
    failed_window: float = 60.0
    listeners: int = 128
    """Event streams at once."""
    listeners_each: int = 32
    """Of those with one key, or from the socket and the dashboards that it opened."""
    backlog: int = 1024
    """Events that wait for one listener."""
    heartbeat: float = 15.0
    """Between two signs of life on an event stream."""
    stalled: float = 30.0
    """For a listener to take what it was sent."""
    noted: float = 60.0
    """Until the use of a key is on the disk."""
    readers: int = 8
    """Threads that read the store."""
    refreshes: int = 32
    """Threads that wait for refreshes that somebody asked for."""


class FailedKeys:
    """Counts wrong keys by the address they come from. Not for use by several threads.

    Right keys are let in whatever has happened: keys can't be guessed, and all users of a machine share the address
    127.0.0.1, so that keeping it out would let any of them shut out the others.
    """

    ADDRESSES = 1024
    """Remembered at most."""

    def __init__(self, limit: int, window: float) -> None:
        self._limit = limit
        self._window = window
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def failed(self, address: str, now: float) -> float | None:
        """Count one at `now` (by the steady clock); seconds of patience to ask for, or None while it is within the limit."""
        times = self._times.setdefault(address, deque(maxlen=self._limit))
        self._times.move_to_end(address)
        if len(self._times) > self.ADDRESSES:
            self._times.popitem(last=False)
        while times and times[0] <= now - self._window:
            times.popleft()
        if len(times) == self._limit:
            return times[0] + self._window - now
        times.append(now)
        return None
