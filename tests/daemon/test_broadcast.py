from __future__ import annotations

import asyncio
import threading

import pytest

from vestal.core.events import Event, Kind
from vestal.daemon.broadcast import RECENT, Broadcast
from vestal.daemon.problem import Refusal


def happened(number: int, name: str = "alice") -> Event:
    return Event(Kind.CHANGED, name, float(number))


async def test_events_of_other_threads_come_in_order() -> None:
    broadcast = Broadcast(listeners=1, backlog=100)
    listening = broadcast.listen(lambda event: True)

    def happen() -> None:
        for number in range(50):
            broadcast(happened(number))

    thread = threading.Thread(target=happen)
    thread.start()
    heard = [await listening.next(10) for _ in range(50)]
    thread.join()
    assert [each.event.at for each in heard if each is not None] == [float(n) for n in range(50)]


async def test_a_slow_listener_loses_the_oldest_and_is_told() -> None:
    broadcast = Broadcast(listeners=1, backlog=3)
    listening = broadcast.listen(lambda event: True)
    for number in range(10):
        broadcast(happened(number))
    await asyncio.sleep(0)
    assert listening.lost == 7
    first = await listening.next(10)
    assert first is not None
    assert first.number == 8


async def test_the_end() -> None:
    broadcast = Broadcast(listeners=2, backlog=3)
    early = broadcast.listen(lambda event: True)
    waiting = asyncio.create_task(early.next(60))
    await asyncio.sleep(0)
    broadcast.end()
    assert await waiting is None
    assert early.ended
    assert broadcast.listen(lambda event: True).ended


async def test_places_are_given_back() -> None:
    broadcast = Broadcast(listeners=1, backlog=3)
    listening = broadcast.listen(lambda event: True)
    with pytest.raises(Refusal):
        broadcast.listen(lambda event: True)
    broadcast.leave(listening)
    broadcast.listen(lambda event: True)


async def test_what_is_remembered() -> None:
    broadcast = Broadcast(listeners=9, backlog=1000)
    for number in range(RECENT + 5):
        broadcast(happened(number))
    assert [each.number for each in broadcast.recent] == list(range(6, RECENT + 6))
    first = await broadcast.listen(lambda event: True, after=0).next(1)
    assert first is not None
    assert first.number == 6
    assert await broadcast.listen(lambda event: True, after=10**9).next(0) is None  # of a daemon before this one


def test_a_loop_that_is_gone_is_no_trouble() -> None:
    broadcast = Broadcast(listeners=1, backlog=3)

    async def listen() -> None:
        broadcast.listen(lambda event: True)

    asyncio.run(listen())
    broadcast(happened(1))
    broadcast.end()


async def test_nobody_takes_all_places() -> None:
    broadcast = Broadcast(listeners=3, backlog=3, share=2)
    first = [broadcast.listen(lambda event: True, by="greedy") for _ in range(2)]
    with pytest.raises(Refusal) as refused:
        broadcast.listen(lambda event: True, by="greedy")
    assert refused.value.status == 429
    broadcast.listen(lambda event: True, by="another")
    broadcast.leave(first[0])
    broadcast.listen(lambda event: True, by="greedy")
