"""Who takes the steps of a flow: `Runner` in the calling thread, `AsyncRunner` on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from vestal.core.clock import Clock, SystemClock
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.steps import Ask, Do, Send, Step, Steps, Together, Wait

T = TypeVar("T")


class Runner:
    """Takes steps in the calling thread. Safe for use from any thread."""

    def __init__(self, send: Callable[[APIRequest], APIResponse], clock: Clock | None = None) -> None:
        self.send = send
        self.clock: Clock = clock or SystemClock()

    def run(self, steps: Steps[T]) -> T:
        """Take the steps of a flow to its end; its result. Raises what the flow does not handle."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self.take(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    def take(self, step: Step) -> Any:
        """Take one step; its outcome."""
        match step:
            case Send(request):
                return self.send(request)
            case Ask(source, newer_than):
                return source.token(newer_than)
            case Wait(seconds):
                self.clock.sleep(seconds)
                return None
            case Do(function):
                return function()
            case Together(flows, at_once):
                return self._together(list(flows), at_once)

    def _together(self, flows: list[Steps[Any]], at_once: int) -> list[Any]:
        if len(flows) < 2 or at_once < 2:
            return [self.run(flow) for flow in flows]
        with ThreadPoolExecutor(min(at_once, len(flows)), "vestal-together") as threads:
            futures = [threads.submit(self.run, flow) for flow in flows]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            finally:
                for future, flow in zip(futures, flows, strict=True):
                    if future.cancelled():
                        flow.close()


class AsyncRunner:
    """Takes steps on the event loop. Cancelling it throws the cancellation into the flow, which cleans up without steps."""

    def __init__(
        self,
        send: Callable[[APIRequest], Awaitable[APIResponse]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.send = send
        self.sleep = sleep

    async def arun(self, steps: Steps[T]) -> T:
        """Take the steps of a flow to its end; its result. Raises what the flow does not handle."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self.take(step)
                except BaseException as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            steps.close()

    async def take(self, step: Step) -> Any:
        """Take one step; its outcome."""
        match step:
            case Send(request):
                return await self.send(request)
            case Ask(source, newer_than):
                return await source.atoken(newer_than)
            case Wait(seconds):
                return await self.sleep(seconds)
            case Do(function, None):
                return await asyncio.to_thread(function)
            case Do(_, or_await):
                return await or_await()  # type: ignore[misc]  # not None: the case before
            case Together(flows, at_once):
                return await self._together(list(flows), at_once)

    async def _together(self, flows: list[Steps[Any]], at_once: int) -> list[Any]:
        gate = asyncio.Semaphore(at_once)

        async def one(flow: Steps[Any]) -> Any:
            async with gate:
                return await self.arun(flow)

        coroutines: list[Coroutine[Any, Any, Any]] = [one(flow) for flow in flows]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(coroutine) for coroutine in coroutines]
        except BaseExceptionGroup as errors:
            first = errors.exceptions[0]
        else:
            return [task.result() for task in tasks]
        finally:
            for flow in flows:
                flow.close()
        raise first


def aside(work: Callable[[], object]) -> None:
    """Do what may block and can't be awaited any more, since the caller was cancelled: on an event loop, in a thread."""
    try:
        asyncio.get_running_loop().run_in_executor(None, work)
    except RuntimeError:  # there is none, or it is about to end
        work()
