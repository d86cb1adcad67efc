"""Herds of threads and tasks: one refresh, whoever asks."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest

from tests.core.flights import Flights
from tests.core.house import HOUR, NAME
from vestal.core.errors import NeedsLogin, NetworkError, VestalError
from vestal.core.events import Kind
from vestal.core.refreshing import RefreshingSource
from vestal.core.token import Token

DOWN = NetworkError("down", credential=NAME)


# Herds


class Herd:
    """Threads and tasks that all ask at once."""

    def __init__(self, source: RefreshingSource, newer_than: int | None = None) -> None:
        self.source = source
        self.newer_than = newer_than
        self.got: list[Token] = []
        self.failed: list[VestalError] = []

    def ask(self, gate: threading.Event) -> None:
        gate.wait()
        try:
            self.got.append(self.source.token(self.newer_than))
        except VestalError as error:
            self.failed.append(error)

    async def aask(self) -> None:
        try:
            self.got.append(await self.source.atoken(self.newer_than))
        except VestalError as error:
            self.failed.append(error)

    async def atogether(self, count: int) -> None:
        await asyncio.gather(*[self.aask() for _ in range(count)])

    def run(self, threads: int, tasks: int) -> None:
        gate = threading.Event()
        size = threading.stack_size(256 * 1024)
        all_threads = [threading.Thread(target=self.ask, args=(gate,)) for _ in range(threads)]
        for thread in all_threads:
            thread.start()
        threading.stack_size(size)
        gate.set()
        asyncio.run(self.atogether(tasks))
        for thread in all_threads:
            thread.join()


@pytest.mark.parametrize("newer_than", [None, 1])
def test_a_thousand_threads_and_a_thousand_tasks_cause_one_refresh(newer_than: int | None) -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    if newer_than is None:
        flights.clock.advance(HOUR)
    herd = Herd(source, newer_than)
    herd.run(1000, 1000)
    assert herd.failed == []
    assert Counter(token.version for token in herd.got) == {2: 2000}
    assert len(flights.demands) == 2


@pytest.mark.parametrize("trouble", [DOWN, NeedsLogin("refused", credential=NAME)])
def test_if_it_fails_all_get_the_error_and_there_is_one_attempt_for_each_hold_off(trouble: VestalError) -> None:
    flights = Flights(trouble=trouble)
    source = flights.source()
    for attempt in (1, 2):
        herd = Herd(source)
        herd.run(300, 300)
        assert herd.got == []
        assert Counter(type(error) for error in herd.failed) == {type(trouble): 600}
        assert len({id(error) for error in herd.failed}) == 600, "each has an error of its own"
        assert len(flights.demands) == attempt
        flights.clock.advance(1)


async def test_a_thousand_tasks_start_one_thread() -> None:
    flights = Flights(held=True)
    source = flights.source()
    before = threading.active_count()
    tasks = [asyncio.create_task(source.atoken()) for _ in range(1000)]
    await asyncio.to_thread(flights.wait_for_takeoff)
    threads = threading.active_count() - before
    flights.landing.release()
    versions = {token.version for token in await asyncio.gather(*tasks)}
    assert versions == {1}
    assert threads <= 2, "the refresh, and this test's own to_thread"


async def test_threads_and_tasks_wait_for_the_same_refresh() -> None:
    flights = Flights(held=True)
    source = flights.source()
    task = asyncio.create_task(source.atoken())
    await asyncio.to_thread(flights.wait_for_takeoff)
    thread = asyncio.create_task(asyncio.to_thread(source.token))
    await asyncio.sleep(0.01)
    flights.landing.release()
    assert (await task) is (await thread)
    assert len(flights.demands) == 1


def test_in_trouble_the_herd_is_served_the_valid_token_and_one_event_tells_it() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(3300)
    flights.trouble = DOWN
    herd = Herd(source)
    herd.run(200, 200)
    assert len(herd.got) == 400
    assert flights.kinds().count(Kind.STALE_SERVED) == 1
