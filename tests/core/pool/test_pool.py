"""A pool in one process: who is chosen, who waits, and what is said when nothing is left."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from tests.core.pool.pools import NOW, Source, core, told
from vestal.core.errors import AllExhausted, ConfigError, NeedsLogin, StoreUnavailable, TimedOut
from vestal.core.events import Event, Kind
from vestal.core.ledger import Change, MemoryLedger
from vestal.core.pool import Left, Member, Pool, Reservation
from vestal.core.quota import Charge, Rate, Terms, Told
from vestal.testing.clock import FakeClock

T = TypeVar("T")
RESET = NOW + 1800


def make(*remaining: int | None, clock: FakeClock | None = None, **options: object) -> Pool:
    """A pool of members m0, m1, … of owners o0, o1, …, who have that much left of `core`."""
    members = [Member(f"m{number}", Source(), f"o{number}") for number in range(len(remaining))]
    pool = Pool(members, clock=clock or FakeClock(NOW), **options)  # type: ignore[arg-type]
    for number, amount in enumerate(remaining):
        if amount is not None:
            pool.learn(f"m{number}", told(amount))
    return pool


def test_requests_go_where_most_is_left_until_all_have_the_same() -> None:
    pool = make(4, 9, 6)
    chosen = [pool.reserve(core()).member.name for _ in range(7)]
    assert chosen[:3] == ["m1"] * 3
    assert Counter(chosen) == {"m1": 5, "m2": 2}


def test_equals_are_not_always_chosen_in_the_same_order() -> None:
    assert {make(5, 5, 5, 5).reserve(core()).member.name for _ in range(100)} == {"m0", "m1", "m2", "m3"}


def test_a_choice_among_members() -> None:
    pool = make(10, 12, 11)
    assert pool.reserve(core(), only=["m0", "m2"]).member.name == "m2"
    assert pool.reserve(core(), avoid=["m1"]).member.name in ("m0", "m2")
    for only, avoid in ((["nobody"], []), ([], []), (None, ["m0", "m1", "m2"])):
        with pytest.raises(ConfigError):
            pool.reserve(core(), only=only, avoid=avoid)


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_members_have_different_names(names: Sequence[str]) -> None:
    with pytest.raises(ConfigError):
        Pool([Member(name, Source(), name) for name in names])


def test_members_of_one_owner_share_one_quota() -> None:
    pool = Pool([Member("a", Source(), "me"), Member("b", Source(), "me", headroom=2)], clock=FakeClock(NOW))
    pool.learn("a", told(5))
    assert pool.total_remaining("core") == 5
    assert {pool.reserve(core(), only=["b"]).member.name for _ in range(3)} == {"b"}
    with pytest.raises(TimedOut):
        pool.reserve(core(), only=["b"], timeout=0)
    assert [pool.reserve(core()).member.name for _ in range(2)] == ["a", "a"]


def test_pools_of_one_name_share_a_ledger_and_others_do_not() -> None:
    ledger = MemoryLedger()
    first, second, other = (make(None, ledger=ledger, name=name) for name in ("a", "a", "b"))
    first.learn("m0", told(5))
    assert [pool.total_remaining("core") for pool in (first, second, other)] == [5, 5, 0]


# Exhaustion


def test_all_exhausted_says_what_and_when() -> None:
    events: list[Event] = []
    pool = make(1, 0, listeners=[events.append])
    pool.settle(pool.reserve(core()), told(0, RESET + 60))
    pool.learn("m0", told(0, RESET + 60))
    for _ in range(2):
        with pytest.raises(AllExhausted) as caught:
            pool.reserve(core())
    error = caught.value
    assert (error.bucket, error.reset_at, error.retry_after) == ("core", RESET + 1, 1801)
    assert error.passing
    assert str(error).startswith("none of 2 members of the pool pool has anything left of core: the first has again in")
    assert [event.kind for event in events].count(Kind.POOL_EXHAUSTED) == 1
    assert pool.all_exhausted("core")
    assert pool.reset_at("core") == RESET + 1
    assert not pool.all_exhausted("search")
    assert pool.reserve(Charge("search")).member.name in ("m0", "m1")


def test_members_come_back_at_their_reset() -> None:
    clock = FakeClock(NOW)
    pool = make(0, 0, clock=clock)
    clock.advance(1801)
    assert not pool.all_exhausted("core")
    assert pool.total_remaining("core") == 20
    pool.reserve(core())


def test_a_resting_owner_is_left_alone_until_all_rest() -> None:
    events: list[Event] = []
    pool = make(10, 3, listeners=[events.append])
    pool.settle(pool.reserve(core()), Told(rest_until=NOW + 90))
    assert [(event.kind, event.data["member"]) for event in events] == [(Kind.MEMBER_RESTS, "m0")]
    assert {pool.reserve(core()).member.name for _ in range(3)} == {"m1"}
    pool.learn("m1", Told(rest_until=NOW + 60))
    with pytest.raises(AllExhausted) as caught:
        pool.reserve(core())
    assert caught.value.retry_after == 60


# Waiting


def test_who_waits_for_others_replies_times_out() -> None:
    clock = FakeClock(NOW)
    pool = make(1, clock=clock)
    pool.reserve(core())
    with pytest.raises(TimedOut, match=r"within 7 s in the pool pool"):
        pool.reserve(core(), timeout=7)
    assert clock.now() == pytest.approx(NOW + 7)


def test_who_waits_for_a_rate_gets_on_when_it_has_recovered() -> None:
    clock = FakeClock(NOW)
    pool = make(10, clock=clock, terms=Terms(rates={"points": Rate(5, 60)}))
    charge = Charge("core", 1, {"points": 5})
    pool.settle(pool.reserve(charge), told(9))
    pool.reserve(charge)
    assert NOW + 60 < clock.now() < NOW + 63


def test_a_settled_reply_lets_the_next_one_go() -> None:
    pool = Pool([Member("a", Source(), "me")])
    pool.learn("a", Told("core", 10, 1, 4e9))
    first = pool.reserve(core())
    asked = threading.Event()

    def ask() -> Reservation:
        asked.set()
        return pool.reserve(core(), timeout=30)

    with ThreadPoolExecutor(1) as threads:
        waiter = threads.submit(ask)
        assert asked.wait(10)
        pool.release(first)
        assert waiter.result(30).member.name == "a"


def test_wait_for_reset() -> None:
    clock = FakeClock(NOW)
    pool = make(0, 0, clock=clock)
    assert pool.wait_for_reset("core", timeout=1000) is False
    assert clock.now() == NOW + 1000
    assert pool.wait_for_reset("core") is True
    assert RESET + 1 <= clock.now() < RESET + 2
    now = clock.now()
    assert pool.wait_for_reset("core", timeout=0) is True
    assert clock.now() == now


def test_wait_for_reset_goes_on_at_once_when_another_worker_hears_of_more() -> None:
    clock = FakeClock(NOW, blocking=True)
    pool = make(0, clock=clock)
    with ThreadPoolExecutor(1) as threads:
        waiter = threads.submit(pool.wait_for_reset, "core")
        clock.wait_for_sleepers()
        reservation = pool.reserve(Charge("core", 0))
        pool.settle(reservation, told(8))
        clock.advance(5)
        assert waiter.result(30) is True


def test_a_clock_that_is_set_back_makes_nobody_wait_longer() -> None:
    clock = FakeClock(NOW)
    pool = make(0, clock=clock)
    clock.jump(-86_400)
    assert pool.wait_for_reset("core", timeout=1810) is True


# Asyncio


async def test_tasks_share_what_is_left() -> None:
    pool = Pool([Member(f"m{n}", Source(), f"o{n}") for n in range(3)], assumed_limits={"core": 20})
    remaining = {f"o{n}": 20 for n in range(3)}

    async def send() -> None:
        reservation = await pool.areserve(core())
        owner = reservation.member.owner
        remaining[owner] -= 1
        word = Told("core", 20, remaining[owner], 4e9)
        await asyncio.sleep(0)
        await pool.asettle(reservation, word)

    await asyncio.gather(*(send() for _ in range(60)))
    assert remaining == {"o0": 0, "o1": 0, "o2": 0}
    with pytest.raises(AllExhausted):
        await pool.areserve(core())


class Gate(MemoryLedger):
    """Holds changes up until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.held = threading.Event()

    def change(self, key: str, change: Change[T]) -> T:
        self.held.set()
        assert self.open.wait(10)
        return super().change(key, change)


async def test_a_cancelled_task_gives_its_reservation_back() -> None:
    ledger = Gate()
    pool = make(1, ledger=ledger)
    ledger.open.clear()
    ledger.held.clear()
    task = asyncio.create_task(pool.areserve(core()))
    assert await asyncio.to_thread(ledger.held.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ledger.open.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert pool.states()[0].outstanding == 0
    assert pool.total_remaining("core") == 1


async def test_a_task_that_is_cancelled_when_it_has_got_something_gives_it_back() -> None:
    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(1)
    loop.set_default_executor(threads)
    pool = make(1)
    task = asyncio.create_task(pool.areserve(core()))
    await asyncio.sleep(0)
    threads.submit(bool).result(10)  # the one thread is through with the attempt, and the task does not know it yet
    assert pool.states()[0].outstanding == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await loop.shutdown_default_executor()
    assert pool.states()[0].outstanding == 0


def test_a_task_that_dies_with_its_loop_gives_its_reservation_back() -> None:
    ledger = Gate()
    pool = make(1, ledger=ledger)

    async def leave() -> None:
        ledger.open.clear()
        ledger.held.clear()
        task = asyncio.create_task(pool.areserve(core()))
        assert await asyncio.to_thread(ledger.held.wait, 10)
        asyncio.get_running_loop().call_later(0.05, ledger.open.set)
        assert not task.done()

    try:
        asyncio.run(leave())
    finally:
        ledger.open.set()
    assert pool.states()[0].outstanding == 0


async def test_a_cancelled_settlement_is_done_all_the_same() -> None:
    ledger = Gate()
    pool = make(2, ledger=ledger)
    reservation = await pool.areserve(core())
    ledger.open.clear()
    ledger.held.clear()
    task = asyncio.create_task(pool.asettle(reservation, told(1)))
    assert await asyncio.to_thread(ledger.held.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ledger.open.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert pool.states("core")[0].buckets["core"] == Left(10, 1, RESET)


async def test_tasks_wait_for_a_reset() -> None:
    clock = FakeClock(NOW)

    async def asleep(seconds: float) -> None:
        clock.advance(seconds)

    pool = make(0, clock=clock, asleep=asleep)
    assert await pool.await_for_reset("core", timeout=10) is False
    assert await pool.await_for_reset("core") is True
    reservation = await pool.areserve(core())
    await pool.arelease(reservation)
    assert pool.total_remaining("core") == 10


# The bench


def test_a_benched_member_is_not_chosen() -> None:
    events: list[Event] = []
    pool = make(10, 5, listeners=[events.append])
    pool.bench("m0", "revoked")
    assert pool.reserve(core()).member.name == "m1"
    assert [state.benched for state in pool.states()] == ["revoked", None]
    assert pool.total_remaining("core") == 4
    pool.unbench("m0")
    assert pool.reserve(core()).member.name == "m0"
    assert [event.kind for event in events] == [Kind.MEMBER_BENCHED, Kind.MEMBER_BACK]


def test_a_benched_member_is_back_when_its_source_has_a_newer_token() -> None:
    source = Source()
    pool = Pool([Member("a", source, "a"), Member("b", Source(), "b")], clock=FakeClock(NOW))
    pool.bench("a", "revoked")
    assert pool.states()[0].benched == "revoked"
    source.version += 1
    assert pool.states()[0].benched is None


def test_when_all_are_benched_the_error_says_why() -> None:
    pool = make(10, 10)
    pool.bench("m0", "revoked")
    pool.bench("m1", "suspended")
    with pytest.raises(NeedsLogin, match="m0: revoked; m1: suspended") as caught:
        pool.reserve(core())
    assert not caught.value.passing
    with pytest.raises(NeedsLogin):
        pool.wait_for_reset("core")


def test_when_all_are_benched_their_sources_are_asked_now_and_then() -> None:
    clock = FakeClock(NOW)
    source = Source()
    pool = Pool([Member("a", source, "a")], clock=clock)
    pool.bench("a", "revoked")
    source.next = True
    with pytest.raises(NeedsLogin):
        pool.reserve(core())
    clock.advance(30)
    assert pool.reserve(core()).member.name == "a"


# Trouble


class Broken(MemoryLedger):
    broken = False

    def change(self, key: str, change: Change[T]) -> T:
        if self.broken:
            raise StoreUnavailable("the disk is full")
        return super().change(key, change)


def test_benched_members_come_back_while_others_go_on() -> None:
    """One at a time, and now and then: what kept their tokens from being replaced may have passed."""
    clock = FakeClock(NOW)
    sources = [Source() for _ in range(4)]
    pool = Pool([Member(f"m{n}", source, f"o{n}") for n, source in enumerate(sources)], clock=clock)
    for name in ("m1", "m2", "m3"):
        pool.bench(name, "suspended")
    sources[1].next = sources[2].next = True
    asked = [len(source.asked) for source in sources]

    def go() -> list[int]:
        pool.release(pool.reserve(core()))
        return [len(source.asked) - before for source, before in zip(sources, asked, strict=True)]

    clock.advance(299)
    assert go() == [0, 0, 0, 0]
    clock.advance(2)
    assert go() == [0, 1, 0, 0]
    assert go() == [0, 1, 1, 0]
    assert go() == go() == [0, 1, 1, 1]
    assert [state.benched for state in pool.states()] == [None, None, None, "suspended"]


def test_a_ledger_that_fails_does_not_fail_a_reply() -> None:
    events: list[Event] = []
    clock = FakeClock(NOW)
    ledger = Broken()
    pool = make(5, ledger=ledger, clock=clock, listeners=[events.append])
    reservation = pool.reserve(core())
    ledger.broken = True
    pool.settle(reservation, told(4))
    assert [(event.kind, event.data["step"]) for event in events] == [(Kind.STORE_FAILED, "settle")]
    with pytest.raises(StoreUnavailable):
        pool.reserve(core())
    ledger.broken = False
    assert pool.states()[0].outstanding == 1
    clock.advance(120)
    assert (pool.states()[0].outstanding, pool.total_remaining("core")) == (0, 4)


def test_states() -> None:
    clock = FakeClock(NOW)
    members = [Member("a", Source(), "me", headroom=3), Member("b", Source(), "you")]
    pool = Pool(members, clock=clock, assumed_limits={"search": 30})
    pool.learn("a", told(9))
    pool.reserve(core(), only=["a"])
    pool.learn("b", Told(rest_until=NOW + 9))
    first, second = pool.states()
    assert (first.name, first.owner, first.outstanding, first.resting_until) == ("a", "me", 1, None)
    assert first.buckets == {"core": Left(10, 5, RESET), "search": Left(30, 27, None)}
    assert (second.buckets, second.resting_until) == ({"search": Left(30, 30, None)}, NOW + 9)
    assert [state.buckets for state in pool.states("core")] == [{"core": Left(10, 5, RESET)}, {}]
    assert pool.reset_at("core") == NOW + 9
    pool.bench("b", "revoked")
    assert pool.reset_at("core") == RESET
    assert pool.reset_at("graphql") is None
    with pytest.raises(ConfigError, match="has no member nobody"):
        pool.learn("nobody", told(1))
