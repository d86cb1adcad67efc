"""Single flight over threads and tasks."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any

import pytest

from vestal.core.errors import HTTPError, NetworkError, VestalError
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.api.flights import Flights
from vestal.services.runner import AsyncRunner, Runner
from vestal.services.steps import Steps, do


def nothing(request: APIRequest) -> APIResponse:
    raise AssertionError(request)


async def anothing(request: APIRequest) -> APIResponse:
    raise AssertionError(request)


class Held:
    """A flow that waits until it is let go, and one that waits for it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.flights = Flights()
        self.begun, self.go = threading.Event(), threading.Event()
        self.error = error

    def flow(self) -> Steps[str]:
        self.begun.set()
        yield from do(self.go.wait)
        if self.error is not None:
            raise self.error
        return "answer"

    def never(self) -> Steps[str]:
        raise AssertionError("it is under way already")
        yield

    def run(self, about: str = "other") -> list[Any]:
        """What the one who flies and one who waits get."""
        found: list[Any] = [None, None]

        def one(place: int, about: str, flow: Any) -> None:
            try:
                found[place] = Runner(nothing).run(self.flights.fly("key", about, flow))
            except VestalError as error:
                found[place] = error

        first = threading.Thread(target=one, args=(0, "same", self.flow))
        first.start()
        self.begun.wait(10)
        second = threading.Thread(target=one, args=(1, about, self.never))
        second.start()
        while not self.waiting():
            second.join(0.001)
        self.go.set()
        first.join(10)
        second.join(10)
        return found

    def waiting(self) -> bool:
        flight = self.flights._flights.get("key")
        return flight is not None and bool(flight.done._condition._waiters)  # type: ignore[attr-defined]


def test_one_asks_and_the_others_wait_and_look_again() -> None:
    assert Held().run() == ["answer", None]


def test_a_failure_is_shared_with_those_who_asked_the_same() -> None:
    first, second = Held(HTTPError("no", code="not_found")).run("same")
    assert second.code == "not_found"
    assert second is not first


def test_a_failure_for_good_is_not_shared_with_others() -> None:
    first, second = Held(HTTPError("no")).run("other")
    assert isinstance(first, HTTPError)
    assert second is None


def test_a_passing_failure_is_shared_with_all() -> None:
    assert [type(found) for found in Held(NetworkError("no")).run("other")] == [NetworkError, NetworkError]


async def test_a_task_that_gives_up_stops_nobody_and_another_takes_over() -> None:
    flights, begun, calls = Flights(), asyncio.Event(), 0
    go = asyncio.Event()

    async def wait() -> None:
        begun.set()
        await go.wait()

    def flow() -> Steps[str]:
        nonlocal calls
        calls += 1
        yield from do(lambda: None, wait)
        return f"answer {calls}"

    def find() -> Steps[str]:
        while True:
            found = yield from flights.fly("key", "same", flow)
            if found is not None:
                return found

    runner = AsyncRunner(anothing)
    leader = asyncio.create_task(runner.arun(find()))
    await begun.wait()
    waiters = [asyncio.create_task(runner.arun(find())) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()  # one who waits gives up
    begun.clear()
    leader.cancel()  # and the one who flies
    await begun.wait()  # so that another one does
    go.set()
    results = await asyncio.gather(leader, *waiters, return_exceptions=True)
    assert [type(found) for found in results[:2]] == [asyncio.CancelledError] * 2
    assert [str(found).split()[0] for found in results[2:]] == ["answer", "answer"]
    assert flights._flights == {}


def test_after_a_fork_nothing_is_under_way() -> None:
    held = Held()
    flow = held.flights.fly("key", "same", held.flow)
    next(flow)
    held.flights.in_child()
    again = partial(held.flights.fly, "key", "same", held.flow)
    held.go.set()
    assert Runner(nothing).run(again()) == "answer"
    flow.close()


def test_the_flow_ends_when_it_is_closed() -> None:
    held = Held()
    flow = held.flights.fly("key", "same", held.flow)
    next(flow)
    flow.close()
    held.go.set()
    assert Runner(nothing).run(held.flights.fly("key", "same", held.flow)) == "answer"


def test_other_keys_are_other_flights() -> None:
    flights = Flights()

    def inner() -> Steps[str]:
        yield from ()
        return "inner"

    def outer() -> Steps[str]:
        found = yield from flights.fly("b", "b", inner)
        return f"outer {found}"

    assert Runner(nothing).run(flights.fly("a", "a", outer)) == "outer inner"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError()])
def test_what_is_no_error_of_ours_is_not_shared(error: BaseException) -> None:
    flights = Flights()

    def flow() -> Steps[str]:
        yield from ()
        raise error

    with pytest.raises(type(error)):
        Runner(nothing).run(flights.fly("key", "same", flow))
    assert flights._flights == {}
