"""A pool that is made at its first use, and a pool of which only some members are seen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from vestal.core.clock import Clock
from vestal.core.errors import AllExhausted, NeedsLogin, VestalError
from vestal.core.fork import Forked, tell
from vestal.core.pool import Member, Pool, Reservation
from vestal.core.quota import Charge
from vestal.core.token import Token
from vestal.services.github.pool.errors import AllTokensExhaustedException, all_refused

Make = Callable[[Pool | None], tuple[Pool, float | None]]
"""Makes a pool, given the one before: and says after how many seconds it is worth making again (None: it is final)."""

AGAIN = 60.0
"""Seconds after which a pool that could not be made again is made again."""

_AS_IT_IS = frozenset({"settle", "asettle", "release", "arelease", "learn", "bench", "unbench", "members", "name"})
"""What belongs to a request under way: in the middle of an event loop, where it is not the time to make the pool again."""


class Deferred(Forked):
    """Stands for a core `Pool`, and speaks of GitHub's tokens in its errors. Everything else is the pool's."""

    def __init__(self, make: Make, clock: Clock, remedy: str = "") -> None:
        """`remedy`: what to do when all tokens are refused."""
        self._make = make
        self._clock = clock
        self._remedy = remedy
        self._lock = threading.Lock()
        self._pool: Pool | None = None
        self._again_at: float | None = None
        self._failures = 0
        self._failure: VestalError | None = None
        """Why it could not be made the last time."""
        tell(self)

    def get(self) -> Pool:
        """The pool. The first call may block, and raise what `make` raises; the others wait for it, and share that.

        While it is made again, the others go on with the one that there is, and so do all if it can't be made again.
        """
        failures, pool = self._failures, self.at_hand()
        if pool is not None:
            return pool
        if not self._lock.acquire(blocking=self._pool is None):
            assert self._pool is not None
            return self._pool
        try:
            pool = self.at_hand()
            if pool is None and self._failure is not None and self._failures > failures:
                raise self._failure.copy()
            return pool or self._made()
        finally:
            self._lock.release()

    def at_hand(self) -> Pool | None:
        """The pool, if nothing has to be done for it."""
        again = self._again_at is not None and self._clock.steady() >= self._again_at
        return None if again else self._pool

    def peek(self) -> Token | None:
        """See `Pool.peek`. None before the first use: it does no I/O."""
        return None if self._pool is None else self._pool.peek()

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """See `Pool.token`."""
        return self.get().token(newer_than, min_ttl)

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """See `Pool.atoken`."""
        return await (await self._aget()).atoken(newer_than, min_ttl)

    async def await_for_reset(self, bucket: str, timeout: float | None = None) -> bool:
        """See `Pool.await_for_reset`."""
        pool = await self._aget()
        with self._in_our_words(pool):
            return await pool.await_for_reset(bucket, timeout)

    def wait_for_reset(self, bucket: str, timeout: float | None = None) -> bool:
        """See `Pool.wait_for_reset`."""
        pool = self.get()
        with self._in_our_words(pool):
            return pool.wait_for_reset(bucket, timeout)

    def reserve(self, charge: Charge, **options: Any) -> Reservation:
        """See `Pool.reserve`."""
        pool = self.get()
        with self._in_our_words(pool, options.get("only")):
            return pool.reserve(charge, **options)

    async def areserve(self, charge: Charge, **options: Any) -> Reservation:
        """See `Pool.areserve`."""
        pool = await self._aget()
        with self._in_our_words(pool, options.get("only")):
            return await pool.areserve(charge, **options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr((self._pool if name in _AS_IT_IS else None) or self.get(), name)

    @contextmanager
    def _in_our_words(self, pool: Pool, only: Collection[str] | None = None) -> Iterator[None]:
        """Say what the core's pool says of exhausted and of refused members as it concerns tokens of GitHub."""
        trouble: VestalError
        try:
            yield
            return
        except AllExhausted as error:
            trouble = AllTokensExhaustedException.of(error)
        except NeedsLogin as error:
            out = [state for state in pool.states() if state.benched and (only is None or state.name in only)]
            trouble = all_refused(out, self._remedy) if out else error.copy()
        raise trouble from None

    async def _aget(self) -> Pool:
        pool = self.at_hand()
        return pool if pool is not None else await asyncio.to_thread(self.get)

    def _made(self) -> Pool:
        """Make it, under the lock."""
        seconds: float | None = AGAIN
        try:
            pool, seconds = self._make(self._pool)
        except VestalError as error:
            if self._pool is None:
                self._failure = error.copy()
                self._failures += 1
                raise
            pool = self._pool
        self._again_at = None if seconds is None else self._clock.steady() + seconds
        self._pool, self._failure = pool, None
        return pool

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
