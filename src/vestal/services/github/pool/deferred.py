"""A pool that is made at its first use, and a pool of which only some members are seen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection
from typing import Any

from vestal.core.clock import Clock
from vestal.core.errors import AllExhausted
from vestal.core.fork import Forked, tell
from vestal.core.pool import Member, Pool, Reservation
from vestal.core.quota import Charge
from vestal.services.github.pool.errors import AllTokensExhaustedException

Make = Callable[[Pool | None], tuple[Pool, float | None]]
"""Makes a pool, given the one before: and says after how many seconds it is worth making again (None: it is final)."""


class Deferred(Forked):
    """Stands for a core `Pool`, and raises `AllTokensExhaustedException`. Everything else is the pool's."""

    def __init__(self, make: Make, clock: Clock) -> None:
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._again_at: float | None = None
        tell(self)

    def get(self) -> Pool:
        """The pool. The first call may block, and raise what `make` raises; the others wait for it.

        While it is made again, the others go on with the one that there is.
        """
        pool = self.at_hand()
        if pool is not None:
            return pool
        if not self._lock.acquire(blocking=self._pool is None):
            assert self._pool is not None
            return self._pool
        try:
            pool = self.at_hand()
            if pool is None:
                pool, seconds = self._make(self._pool)
                self._again_at = None if seconds is None else self._clock.steady() + seconds
                self._pool = pool
            return pool
        finally:
            self._lock.release()

    def at_hand(self) -> Pool | None:
        """The pool, if nothing has to be done for it."""
        again = self._again_at is not None and self._clock.steady() >= self._again_at
        return None if again else self._pool

    def reserve(self, charge: Charge, **options: Any) -> Reservation:
        """See `Pool.reserve`."""
        pool = self.get()
        try:
            return pool.reserve(charge, **options)
        except AllExhausted as error:
            exhausted = AllTokensExhaustedException.of(error)
        raise exhausted

    async def areserve(self, charge: Charge, **options: Any) -> Reservation:
        """See `Pool.areserve`."""
        pool = self.at_hand()
        if pool is None:
            pool = await asyncio.to_thread(self.get)
        try:
            return await pool.areserve(charge, **options)
        except AllExhausted as error:
            exhausted = AllTokensExhaustedException.of(error)
        raise exhausted

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.get(), name)

    def in_child(self) -> None:
        """After a fork: another thread may have held the lock."""
        self._lock = threading.Lock()


class Some:
    """A pool for those who may use some of its members only, by their names."""

    def __init__(self, pool: Pool, names: Collection[str]) -> None:
        self._pool = pool
        self._names = frozenset(names)

    @property
    def members(self) -> tuple[Member, ...]:
        """Those."""
        return tuple(member for member in self._pool.members if member.name in self._names)

    def reserve(self, charge: Charge, **options: Any) -> Reservation:
        """See `Pool.reserve`."""
        return self._pool.reserve(charge, **{**options, "only": self._names})

    async def areserve(self, charge: Charge, **options: Any) -> Reservation:
        """See `Pool.areserve`."""
        return await self._pool.areserve(charge, **{**options, "only": self._names})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._pool, name)
