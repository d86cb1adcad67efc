"""How callers wait for their turn: no notice comes from other processes, so they look again, and the more of them wait in
one process, the more seldom each does.
"""

from __future__ import annotations

import random
from types import TracebackType
from typing import Self

from vestal.core.clock import Clock
from vestal.core.errors import TimedOut
from vestal.core.fork import Forked, tell

TIMEOUT = 120.0
"""Seconds that a caller waits if it does not say."""

FIRST = 0.001
"""Seconds before a caller's second look; then ever longer."""

SLOWEST = 0.02
"""Seconds between two looks, times the callers that wait in this process."""

LONGEST = 1.0
"""Seconds after which a caller looks again in any case."""


class Queue(Forked):
    """Who waits in this process."""

    def __init__(self) -> None:
        self.waiting: set[object] = set()
        tell(self)

    @property
    def slowest(self) -> float:
        """Seconds between two looks of one caller, in the long run."""
        return min(SLOWEST * max(len(self.waiting), 1), LONGEST)

    def in_child(self) -> None:
        """After a fork: nobody waits here yet."""
        self.waiting = set()


class Patience:
    """One caller's waiting, as a block."""

    def __init__(self, queue: Queue, clock: Clock, timeout: float | None, pool: str) -> None:
        self._queue = queue
        self._clock = clock
        self._timeout = TIMEOUT if timeout is None else timeout
        self._pool = pool
        self._deadline = clock.steady() + self._timeout
        self._step = FIRST

    def pause(self, until: float) -> float:
        """Seconds to wait before the next look. `until`: before when nothing will come of it (epoch seconds).

        Raises `TimedOut` at the deadline.
        """
        self._queue.waiting.add(self)
        rest = self._deadline - self._clock.steady()
        if rest <= 0:
            raise TimedOut(
                f"nobody's turn came within {self._timeout:g} s in the pool {self._pool}",
                remedy="wait longer, send fewer requests at once, or add members to the pool",
            )
        wait = max(self._step, min(until - self._clock.now(), LONGEST))
        self._step = min(self._step * 2, self._queue.slowest)
        return min(rest, wait * random.uniform(1.0, 1.5))  # noqa: S311

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._queue.waiting.discard(self)
