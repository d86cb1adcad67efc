"""The pool as a token source."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

import pytest

from tests.core.pool.pools import NOW, Source, told
from vestal.core.errors import NeedsLogin, NetworkError
from vestal.core.pool import Member, Pool
from vestal.core.source import TokenSource
from vestal.core.token import Token
from vestal.testing.clock import FakeClock

Ask = Callable[[Pool, int | None], Awaitable[Token]]


async def sync(pool: Pool, newer_than: int | None = None) -> Token:
    return pool.token(newer_than)


async def asynchronous(pool: Pool, newer_than: int | None = None) -> Token:
    return await pool.atoken(newer_than)


@pytest.fixture(params=[sync, asynchronous])
def ask(request: pytest.FixtureRequest) -> Ask:
    ask: Ask = request.param
    return ask


class House:
    def __init__(self, *remaining: int) -> None:
        self.sources = [Source(f"t{number}") for number in range(len(remaining))]
        self.clock = FakeClock(NOW)
        members = [Member(f"m{number}", source, f"o{number}") for number, source in enumerate(self.sources)]
        self.pool = Pool(members, clock=self.clock, bucket="core")
        for number, amount in enumerate(remaining):
            self.pool.learn(f"m{number}", told(amount))


def text(token: Token | None) -> str:
    assert token is not None
    return token.access_token.reveal()


def test_a_pool_is_a_source() -> None:
    assert isinstance(House(1).pool, TokenSource)


async def test_the_token_is_that_of_the_member_with_the_most_left(ask: Ask) -> None:
    house = House(3, 7, 5)
    first = await ask(house.pool, None)
    assert text(first) == "t1-1"
    assert text(house.pool.peek()) == "t1-1"
    assert await ask(house.pool, None) is first
    house.pool.learn("m1", told(4))
    assert text(await ask(house.pool, None)) == "t2-1"


async def test_what_other_workers_spend_shows_after_a_moment(ask: Ask) -> None:
    house = House(3, 7)
    assert text(await ask(house.pool, None)) == "t1-1"
    house.pool._ledger.change("quota/pool/o1", lambda _: ("junk", None))
    house.pool.learn("m0", told(0))
    house.clock.advance(2)
    assert text(await ask(house.pool, None)) == "t1-1"
    assert not house.pool._prospects.stale


async def test_a_refused_token_is_reported_to_its_member(ask: Ask) -> None:
    house = House(3, 7)
    token = await ask(house.pool, None)
    house.sources[1].next = True
    newer = await ask(house.pool, token.version)
    assert text(newer) == "t1-2"
    assert newer.version > token.version
    assert house.sources[1].asked == [None, 1]
    assert house.sources[0].asked == []


async def test_a_member_without_another_token_is_benched_and_anothers_is_given(ask: Ask) -> None:
    house = House(3, 7)
    house.sources[1].version = 5
    token = await ask(house.pool, None)
    other = await ask(house.pool, token.version)
    assert text(other) == "t0-1"
    assert other.version > token.version
    assert [state.benched for state in house.pool.states()] == [None, "the service refused it"]
    assert text(await ask(house.pool, None)) == "t0-1"
    house.sources[0].next = True
    newest = await ask(house.pool, other.version)
    assert text(newest) == "t0-2"
    assert newest.version > other.version
    assert text(await ask(house.pool, token.version)) == "t0-2"


async def test_when_all_are_refused_for_good(ask: Ask) -> None:
    house = House(3, 7)
    token = await ask(house.pool, None)
    token = await ask(house.pool, token.version)
    with pytest.raises(NeedsLogin, match="the service refused it"):
        await ask(house.pool, token.version)
    with pytest.raises(NeedsLogin, match="m0: the service refused it; m1: the service refused it"):
        await ask(house.pool, None)
    assert house.pool.peek() is None


async def test_the_loop_goes_on_while_a_benched_source_is_asked_again() -> None:
    house = House(3)
    with pytest.raises(NeedsLogin):
        await house.pool.atoken(newer_than=(await house.pool.atoken()).version)
    house.clock.advance(31)
    house.sources[0].threads.clear()
    with pytest.raises(NeedsLogin):
        await house.pool.atoken()
    assert len(house.sources[0].threads) == 1
    assert threading.get_ident() not in house.sources[0].threads


async def test_passing_trouble_benches_nobody(ask: Ask) -> None:
    house = House(3, 7)
    house.sources[1].error = NetworkError("no connection")
    token = await ask(house.pool, None)
    assert text(token) == "t0-1"
    house.sources[0].error = NetworkError("none here either")
    with pytest.raises(NetworkError, match="no connection"):
        await ask(house.pool, None)
    house.sources[1].error = house.sources[0].error = None
    assert text(await ask(house.pool, None)) == "t1-1"


async def test_a_version_that_was_never_given(ask: Ask) -> None:
    house = House(3, 7)
    for version in (0, 999, 1 << 80):
        token = await ask(house.pool, version)
        assert token.version > version
        assert text(token) in ("t0-1", "t1-1")


def test_no_token_shows() -> None:
    house = House(3, 7)
    assert "t0" not in repr((house.pool.members, house.pool.states(), house.pool))
