"""Flows, taken by threads and by asyncio: the same steps, results and errors."""

from __future__ import annotations

import asyncio
import threading
from typing import TypeVar

import pytest

from vestal.core.errors import NetworkError
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.runner import AsyncRunner, Runner, aside
from vestal.services.steps import Steps, Wait, ask, do, operation, send, together
from vestal.testing.clock import FakeClock

T = TypeVar("T")
RUNNERS = ("sync", "async")


def answer(request: APIRequest) -> APIResponse:
    if request.url.endswith("/broken"):
        raise NetworkError("no connection")
    return APIResponse(200, {}, request.url.encode())


async def answer_later(request: APIRequest) -> APIResponse:
    await asyncio.sleep(0)
    return answer(request)


def run(kind: str, flow: Steps[T], clock: FakeClock | None = None) -> T:
    if kind == "sync":
        return Runner(answer, clock).run(flow)

    async def sleep(seconds: float) -> None:
        if clock is not None:
            clock.advance(seconds)

    return asyncio.run(AsyncRunner(answer_later, sleep).arun(flow))


@pytest.mark.parametrize("kind", RUNNERS)
def test_every_step_gives_its_outcome(kind: str) -> None:
    clock = FakeClock(1000.0)
    source = StaticSource(Token(Secret("t0k3n"), version=7))

    def flow() -> Steps[list[object]]:
        response = yield from send(APIRequest("GET", "https://a.example/1"))
        token = yield from ask(source)
        done = yield from do(lambda: 5)
        yield Wait(3.0)
        return [response.body, token.version, done, clock.now()]

    assert run(kind, flow(), clock) == [b"https://a.example/1", 7, 5, 1003.0]


@pytest.mark.parametrize("kind", RUNNERS)
def test_an_error_is_thrown_into_the_flow(kind: str) -> None:
    def flow() -> Steps[str]:
        try:
            yield from send(APIRequest("GET", "https://a.example/broken"))
        except NetworkError as error:
            return error.message
        return "no error"

    assert run(kind, flow()) == "no connection"


@pytest.mark.parametrize("kind", RUNNERS)
def test_an_error_that_the_flow_does_not_handle_is_the_callers(kind: str) -> None:
    def flow() -> Steps[None]:
        yield from send(APIRequest("GET", "https://a.example/broken"))

    with pytest.raises(NetworkError):
        run(kind, flow())


@pytest.mark.parametrize("kind", RUNNERS)
def test_flows_side_by_side_keep_their_order(kind: str) -> None:
    def one(number: int) -> Steps[bytes]:
        return (yield from send(APIRequest("GET", f"/{number}"))).body

    def flow() -> Steps[list[bytes]]:
        return (yield from together([one(number) for number in range(20)], at_once=4))

    assert run(kind, flow()) == [f"/{number}".encode() for number in range(20)]


@pytest.mark.parametrize("kind", RUNNERS)
def test_side_by_side_the_first_error_is_raised(kind: str) -> None:
    def one(number: int) -> Steps[bytes]:
        return (yield from send(APIRequest("GET", "/broken" if number == 2 else f"/{number}"))).body

    def flow() -> Steps[list[bytes]]:
        return (yield from together([one(number) for number in range(5)], at_once=2))

    with pytest.raises(NetworkError):
        run(kind, flow())


def test_threads_run_at_once_as_many_as_allowed() -> None:
    meeting = threading.Barrier(4, timeout=20)

    def one() -> Steps[int]:
        return (yield from do(meeting.wait))

    def flow() -> Steps[list[int]]:
        return (yield from together([one() for _ in range(4)], at_once=4))

    assert sorted(Runner(answer).run(flow())) == [0, 1, 2, 3]


async def test_tasks_run_at_once_no_more_than_allowed() -> None:
    running = most = 0

    async def work(request: APIRequest) -> APIResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return answer(request)

    def one() -> Steps[APIResponse]:
        return (yield from send(APIRequest("GET", "/")))

    def flow() -> Steps[list[APIResponse]]:
        return (yield from together([one() for _ in range(12)], at_once=3))

    await AsyncRunner(work).arun(flow())
    assert most == 3


async def test_cancellation_reaches_the_flow() -> None:
    started, told = asyncio.Event(), []

    async def hang(request: APIRequest) -> APIResponse:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    def flow() -> Steps[None]:
        try:
            yield from send(APIRequest("GET", "/"))
        except BaseException as error:
            told.append(type(error))
            raise

    task = asyncio.create_task(AsyncRunner(hang).arun(flow()))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == [asyncio.CancelledError]


async def test_where_there_is_something_to_await_no_thread_is_used() -> None:
    async def awaited() -> str:
        return threading.current_thread().name

    def flow() -> Steps[list[str]]:
        here = yield from do(lambda: "blocking", awaited)
        there = yield from do(lambda: threading.current_thread().name)
        return [here, there]

    here, there = await AsyncRunner(answer_later).arun(flow())
    assert here == threading.current_thread().name
    assert there not in ("blocking", here)


class Blocking:
    """A client with one operation."""

    def run(self, steps: Steps[T]) -> T:
        return Runner(answer).run(steps)

    def _fetch(self, path: str) -> Steps[bytes]:
        """Fetch it."""
        return (yield from send(APIRequest("GET", path))).body

    fetch = operation(_fetch)


class Awaited:
    async def arun(self, steps: Steps[T]) -> T:
        return await AsyncRunner(answer_later).arun(steps)

    fetch = operation(Blocking._fetch)


async def test_an_operation_is_a_method_of_both() -> None:
    assert Blocking().fetch("/a") == b"/a"
    assert await Awaited().fetch("/a") == b"/a"
    assert Blocking.fetch.__doc__ == Blocking().fetch.__doc__ == "Fetch it."


async def test_what_can_not_be_awaited_does_not_block_the_loop() -> None:
    threads: list[int] = []
    done = threading.Event()

    def work() -> None:
        threads.append(threading.get_ident())
        done.set()

    aside(work)
    assert await asyncio.to_thread(done.wait, 20)
    assert threading.get_ident() not in threads


def test_without_a_loop_it_is_done_at_once() -> None:
    threads: list[int] = []
    aside(lambda: threads.append(threading.get_ident()))
    assert threads == [threading.get_ident()]
