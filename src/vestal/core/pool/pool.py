"""`Pool`: a source over sources that have a quota. Every request goes to the member with the most left.

A request is reserved before it is sent and settled by its reply; the books lie in a ledger, so that all threads, tasks and
processes (and hosts, if the ledger spans them) that name the same pool spend one quota exactly. The pool sends nothing.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import AllExhausted, ConfigError, Outcome, StoreUnavailable
from vestal.core.events import Event, Events, Kind, Listener
from vestal.core.ledger import Ledger, MemoryLedger
from vestal.core.pool.accounting import Answer, advance, learn, release, reserve, settle
from vestal.core.pool.bench import Bench
from vestal.core.pool.books import Books
from vestal.core.pool.member import Member, MemberState, Reservation, state
from vestal.core.pool.patience import Patience, Queue
from vestal.core.pool.prospects import Prospect, Prospects
from vestal.core.pool.source import PoolSource
from vestal.core.quota import Charge, Terms, Told

LOOK = 5.0
"""Seconds after which one who waits for a reset looks again: other workers hear things, and clocks are set."""


class Pool(PoolSource):
    """Members, the books of their owners, and who may send what. Safe for use from any thread, task and process."""

    def __init__(
        self,
        members: Iterable[Member],
        *,
        ledger: Ledger | None = None,
        clock: Clock | None = None,
        terms: Terms | None = None,
        name: str = "pool",
        bucket: str = "default",
        listeners: Iterable[Listener] = (),
        assumed_limits: Mapping[str, int] | None = None,
        asleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Pools of one `name` over one ledger share their books (`ledger`: None is one of this object's own).

        `bucket`: by which one `token()` chooses. `assumed_limits`: of buckets that the service has not told of yet; without
        one, requests go out one at a time until it has. `asleep`: how tasks wait. Raises `ConfigError`.
        """
        self.members = tuple(members)
        names = {member.name for member in self.members}
        if not self.members or len(names) < len(self.members):
            raise ConfigError(f"the pool {name} needs members of different names", remedy="name at least one")
        self.name = name
        self.events = Events(listeners)
        self._clock: Clock = clock or SystemClock()
        self._ledger: Ledger = ledger or MemoryLedger()
        self._terms = terms or Terms()
        self._assumed = dict(assumed_limits or {})
        self._asleep = asleep
        self._queue = Queue()
        self._exhausted: dict[str, float | None] = {}
        self._prospects = Prospects(name, self._ledger, self._clock, self._terms, self._assumed)
        super().__init__(self.members, bucket, self._prospects, Bench(name, self.members, self._clock, self._emit))

    def reserve(
        self,
        charge: Charge,
        *,
        timeout: float | None = None,
        only: Collection[str] | None = None,
        avoid: Collection[str] = (),
    ) -> Reservation:
        """The right to send one request. Settle it, or release it.

        Waits up to `timeout` seconds (None: 120) while what is left is under way or a rate has to recover, then raises
        `TimedOut`. Raises `AllExhausted` at once if nothing can be had before a reset; `NeedsLogin` if no member's token
        works any more. `only`, `avoid`: names of members.
        """
        with Patience(self._queue, self._clock, timeout, self.name) as patience:
            while True:
                found = self._attempt(charge, only, avoid)
                if isinstance(found, Reservation):
                    return found
                self._clock.sleep(patience.pause(found))

    async def areserve(
        self,
        charge: Charge,
        *,
        timeout: float | None = None,
        only: Collection[str] | None = None,
        avoid: Collection[str] = (),
    ) -> Reservation:
        """The same for asyncio. Cancelling it gives the reservation back."""
        with Patience(self._queue, self._clock, timeout, self.name) as patience:
            while True:
                found = await self._aattempt(charge, only, avoid)
                if isinstance(found, Reservation):
                    return found
                await self._asleep(patience.pause(found))

    def settle(self, reservation: Reservation, told: Told | None) -> None:
        """The request has ended. `told`: what the reply says; None: there was none, and nobody knows what became of it.

        If the ledger can't take it that is an event, and the reservation counts as spent in time.
        """
        self._change(
            reservation.member, lambda books, now: settle(books, reservation.id, told, self._terms, now), "settle"
        )
        self._rests(reservation.member, told)

    async def asettle(self, reservation: Reservation, told: Told | None) -> None:
        """The same for asyncio. It is done even if the task is cancelled."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.settle, reservation, told))

    def release(self, reservation: Reservation) -> None:
        """The request was never sent. As `settle` otherwise."""
        self._change(reservation.member, lambda books, now: release(books, reservation.id, self._terms, now), "release")

    async def arelease(self, reservation: Reservation) -> None:
        """The same for asyncio. It is done even if the task is cancelled."""
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, self.release, reservation))

    def learn(self, member_name: str, told: Told) -> None:
        """What the service says of a member without a reservation (`told.bucket` has to be named). As `settle` otherwise."""
        member = self._bench.member(member_name)
        self._change(member, lambda books, now: learn(books, told, self._terms, now), "learn")
        self._rests(member, told)

    def bench(self, member_name: str, reason: str, version: int | None = None) -> None:
        """Do without a member whose token is refused for good, until its source has a newer one or it is put back.

        `version`: of the token that was refused (None: the one at hand).
        """
        self._bench.add(self._bench.member(member_name), reason, version)

    def unbench(self, member_name: str) -> None:
        """Put a member back."""
        self._bench.remove(self._bench.member(member_name))

    def states(self, bucket: str | None = None) -> list[MemberState]:
        """How the members stand, in their order: in all buckets that anything is known of, or in one."""
        books, now = self._prospects.books(self.members), self._clock.now()
        found = [(member, advance(books[member.owner], self._terms, now)) for member in self.members]
        return [state(member, each, self._assumed, self._bench.reason(member), bucket) for member, each in found]

    def all_exhausted(self, bucket: str) -> bool:
        """Whether nothing of this bucket can be had before a reset."""
        found = self._prospects.of(self._bench.usable(), Charge(bucket))
        return all(prospect.answer in (Answer.EXHAUSTED, Answer.RESTING) for prospect in found)

    def total_remaining(self, bucket: str) -> int:
        """Units that may be reserved now, each owner counted once. What is not known is not counted."""
        owners: dict[str, int] = {}
        for prospect in self._prospects.of(self._bench.usable(), Charge(bucket)):
            owner = prospect.member.owner
            owners[owner] = max(owners.get(owner, 0), prospect.left or 0)
        return sum(owners.values())

    def reset_at(self, bucket: str) -> float | None:
        """Epoch seconds of the earliest reset; of those who have something left only if all have. None: unknown."""
        found = self._prospects.of(self._bench.usable(), Charge(bucket))
        waiting = [p.until for p in found if p.answer in (Answer.EXHAUSTED, Answer.RESTING) and p.until is not None]
        told = [each.buckets[bucket].reset_at for each in self.states(bucket) if bucket in each.buckets]
        return min(waiting or [at for at in told if at is not None], default=None)

    def wait_for_reset(self, bucket: str, timeout: float | None = None) -> bool:
        """Wait until something of a bucket can be had, up to `timeout` seconds (None: as long as it takes); whether it can.

        Returns at once if it can. Raises `NeedsLogin` if no member's token works any more.
        """
        deadline = None if timeout is None else self._clock.steady() + timeout
        while True:
            pause = self._until_reset(bucket, deadline)
            if isinstance(pause, bool):
                return pause
            self._clock.sleep(pause)

    async def await_for_reset(self, bucket: str, timeout: float | None = None) -> bool:
        """The same for asyncio."""
        deadline = None if timeout is None else self._clock.steady() + timeout
        while True:
            pause = await asyncio.to_thread(self._until_reset, bucket, deadline)
            if isinstance(pause, bool):
                return pause
            await self._asleep(pause)

    # One attempt

    def _attempt(self, charge: Charge, only: Collection[str] | None, avoid: Collection[str]) -> Reservation | float:
        """A reservation, or when it is worth asking again. Raises `AllExhausted`, `NeedsLogin`, `ConfigError`."""
        found = self._prospects.of(self._bench.candidates(only, avoid), charge)
        for number, prospect in enumerate(found):
            if prospect.answer is Answer.GRANTED:
                found[number] = granted = self._take(prospect.member, charge)
                if granted.reservation is not None:
                    return granted.reservation
        soonest = min((prospect.until or 0.0 for prospect in found if prospect.answer is Answer.BUSY), default=None)
        if soonest is None:
            raise self._all_exhausted(charge.bucket, found)
        return soonest

    def _take(self, member: Member, charge: Charge) -> Prospect:
        id_, now = secrets.token_urlsafe(8), self._clock.now()
        assumed = self._assumed.get(charge.bucket)

        def change(text: str | None) -> tuple[str | None, Prospect]:
            books, verdict = reserve(Books.parse(text), charge, self._terms, member.headroom, id_, now, assumed)
            if verdict.answer is not Answer.GRANTED:
                return None, Prospect(member, verdict.answer, verdict.until)
            self._prospects.saw(member.owner, books)
            return books.dumps(), Prospect(member, verdict.answer, reservation=Reservation(id_, member, charge, now))

        return self._ledger.change(self._prospects.key(member), change)

    async def _aattempt(
        self, charge: Charge, only: Collection[str] | None, avoid: Collection[str]
    ) -> Reservation | float:
        """In a thread. If the task is cancelled meanwhile, that thread gives back what it gets."""
        got: list[Reservation] = []
        decided = (
            threading.Lock()
        )  # for whoever takes it first: the thread that has got something, the task that leaves

        def attempt() -> Reservation | float:
            found = self._attempt(charge, only, avoid)
            if isinstance(found, Reservation):
                got.append(found)
                if not decided.acquire(blocking=False):
                    self.release(found)
            return found

        loop = asyncio.get_running_loop()
        try:
            return await asyncio.shield(loop.run_in_executor(None, attempt))
        except asyncio.CancelledError:
            if not decided.acquire(blocking=False):
                loop.run_in_executor(None, self.release, got[0])
            raise

    # Waiting

    def _until_reset(self, bucket: str, deadline: float | None) -> float | bool:
        """Seconds to wait, or whether something can be had."""
        found = self._prospects.of(self._bench.candidates(None, ()), Charge(bucket))
        if any(prospect.answer is Answer.GRANTED for prospect in found):
            return True
        rest = LOOK if deadline is None else deadline - self._clock.steady()
        if rest <= 0:
            return False
        now = self._clock.now()
        soonest = min(prospect.until or now for prospect in found)
        return min(rest, LOOK, max(soonest - now, self._queue.slowest))

    # The rest

    def _change(self, member: Member, work: Callable[[Books, float], Books], step: str) -> None:
        now = self._clock.now()

        def change(text: str | None) -> tuple[str | None, None]:
            books = work(Books.parse(text), now)
            self._prospects.saw(member.owner, books)
            return books.dumps(), None

        try:
            self._ledger.change(self._prospects.key(member), change)
        except StoreUnavailable as error:
            self._emit(Kind.STORE_FAILED, step=step, cause=error.category.value)

    def _all_exhausted(self, bucket: str, found: Collection[Prospect]) -> AllExhausted:
        reset_at = min((prospect.until for prospect in found if prospect.until is not None), default=None)
        now = self._clock.now()
        if self._exhausted.get(bucket, 0.0) != reset_at:
            self._exhausted[bucket] = reset_at
            self._emit(Kind.POOL_EXHAUSTED, bucket=bucket, reset_at=reset_at)
        when = "nobody knows when" if reset_at is None else f"the first has again in {max(reset_at - now, 0.0):.0f} s"
        return AllExhausted(
            f"none of {len(found)} members of the pool {self.name} has anything left of {bucket}: {when}",
            bucket=bucket,
            reset_at=reset_at,
            retry_after=None if reset_at is None else max(reset_at - now, 0.0),
            outcome=Outcome.NOT_SENT,
            remedy="wait for the reset, or add members of other owners to the pool",
        )

    def _rests(self, member: Member, told: Told | None) -> None:
        if told is not None and told.rest_until is not None:
            self._emit(Kind.MEMBER_RESTS, member=member.name, until=told.rest_until)

    def _emit(self, kind: Kind, **data: object) -> None:
        self.events.emit(Event(kind, self.name, self._clock.now(), data))
