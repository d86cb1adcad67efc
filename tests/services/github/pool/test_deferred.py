"""A pool that is made at its first use."""

from __future__ import annotations

import threading

import pytest

from tests.services.github.script import Renewable
from vestal.core.errors import ConfigError, NetworkError
from vestal.core.pool import Member, Pool
from vestal.core.quota import Charge, Told
from vestal.services.github.pool.deferred import Deferred, Some
from vestal.services.github.pool.errors import AllTokensExhaustedException
from vestal.testing.clock import FakeClock


def make_pool(clock: FakeClock) -> Pool:
    members = [Member(name, Renewable(name), f"owner-{name}") for name in ("one", "two")]
    return Pool(members, clock=clock, assumed_limits={"core": 10})


class Maker:
    """Counts how often the pool is made. `again`: after how many seconds it is to be made again."""

    def __init__(self, again: float | None = None) -> None:
        self.clock = FakeClock()
        self.again = again
        self.made: list[Pool | None] = []
        self.threads: list[int] = []
        self.trouble: NetworkError | None = None
        self.gate: threading.Semaphore | None = None
        """It waits for 9 who have looked for the pool: 8 who come, and the first of them once more."""
        self.deferred = Deferred(self.make, self.clock)

    def make(self, before: Pool | None) -> tuple[Pool, float | None]:
        self.made.append(before)
        self.threads.append(threading.get_ident())
        if self.gate is not None:
            assert all(self.gate.acquire(timeout=20) for _ in range(9))
        if self.trouble is not None:
            raise self.trouble
        return make_pool(self.clock), self.again


class Watched(Deferred):
    """Tells the maker of everybody who looks for the pool."""

    def __init__(self, maker: Maker) -> None:
        super().__init__(maker.make, maker.clock)
        self.maker = maker

    def at_hand(self) -> Pool | None:
        if self.maker.gate is not None:
            self.maker.gate.release()
        return super().at_hand()


def test_it_is_made_once_for_all_threads() -> None:
    maker = Maker()
    assert maker.deferred.at_hand() is None
    assert maker.made == []
    threads = [threading.Thread(target=maker.deferred.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert maker.made == [None]
    assert [member.name for member in maker.deferred.members] == ["one", "two"]


def test_it_is_made_again_when_that_may_help() -> None:
    maker = Maker(again=60.0)
    first = maker.deferred.get()
    maker.clock.advance(59)
    assert maker.deferred.get() is first
    maker.again = None
    maker.clock.advance(2)
    second = maker.deferred.get()
    assert second is not first
    assert maker.made == [None, first]
    maker.clock.advance(1000)
    assert maker.deferred.get() is second


def test_while_it_is_made_again_the_others_go_on() -> None:
    maker = Maker(again=60.0)
    first = maker.deferred.get()
    maker.clock.advance(61)
    begun, go = threading.Event(), threading.Event()

    def slow(before: Pool | None) -> tuple[Pool, float | None]:
        begun.set()
        go.wait(10)
        return make_pool(maker.clock), None

    maker.deferred._make = slow
    thread = threading.Thread(target=maker.deferred.get)
    thread.start()
    assert begun.wait(10)
    assert maker.deferred.get() is first
    go.set()
    thread.join()
    assert maker.deferred.get() is not first


async def test_exhaustion_is_told_in_github_s_words() -> None:
    maker = Maker()
    pool = maker.deferred
    for name in ("one", "two"):
        pool.learn(name, Told("core", 10, 0, maker.clock.now() + 100))
    with pytest.raises(AllTokensExhaustedException, match="All GitHub tokens are rate-limited"):
        pool.reserve(Charge("core"))
    with pytest.raises(AllTokensExhaustedException):
        await pool.areserve(Charge("core"))
    maker.clock.advance(102)
    pool.release(pool.reserve(Charge("core")))


async def test_one_member_alone() -> None:
    alone = Some(make_pool(FakeClock()), ["two"])
    assert [member.name for member in alone.members] == ["two"]
    for _ in range(3):
        assert alone.reserve(Charge("core")).member.name == "two"
        assert (await alone.areserve(Charge("core"), timeout=1.0)).member.name == "two"
    assert alone.total_remaining("core") == 14
    with pytest.raises(ConfigError):
        Some(make_pool(FakeClock()), ["three"]).reserve(Charge("core"))


def test_what_is_asked_of_it_besides_is_the_pool_s() -> None:
    maker = Maker()
    assert maker.deferred.total_remaining("core") == 20
    with pytest.raises(AttributeError):
        _ = maker.deferred._nothing
    with pytest.raises(AttributeError):
        _ = maker.deferred.nothing


def test_it_is_not_made_to_look_at_it() -> None:
    maker = Maker()
    assert maker.deferred.peek() is None
    assert maker.made == []
    maker.deferred.get()
    assert maker.deferred.peek() is not None


async def test_the_loop_goes_on_while_it_is_made() -> None:
    maker = Maker(again=60.0)
    reservation = await maker.deferred.areserve(Charge("core"))
    maker.clock.advance(61)
    await maker.deferred.asettle(reservation, None)
    assert len(maker.deferred.members) == 2
    assert len(maker.made) == 1
    await maker.deferred.atoken()
    assert await maker.deferred.await_for_reset("core")
    assert len(maker.made) == 2
    assert threading.get_ident() not in maker.threads


def test_those_who_waited_share_its_failure() -> None:
    """And do not run into it one after the other."""
    maker = Maker()
    maker.trouble = NetworkError("no connection")
    maker.gate = threading.Semaphore(0)
    deferred = Watched(maker)
    failures: list[str] = []

    def get() -> None:
        try:
            deferred.get()
        except NetworkError as error:
            failures.append(error.message)

    threads = [threading.Thread(target=get) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == ["no connection"] * 8
    assert len(maker.made) == 1
    maker.trouble, maker.gate = None, None
    assert deferred.get() is not None


def test_when_it_can_not_be_made_again_the_present_one_goes_on() -> None:
    maker = Maker(again=60.0)
    first = maker.deferred.get()
    maker.clock.advance(61)
    maker.trouble = NetworkError("no connection")
    assert maker.deferred.get() is first
    assert maker.deferred.get() is first
    assert len(maker.made) == 2
    maker.trouble = None
    maker.clock.advance(61)
    assert maker.deferred.get() is not first
