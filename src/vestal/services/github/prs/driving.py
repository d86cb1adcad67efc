"""Who takes the steps of a run: a thread beside the caller's, which can be told to stop; and what counts its requests."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Generic, TypeVar

from vestal.services.exchange import APIRequest, APIResponse

T = TypeVar("T")


class Counting:
    """Counts the requests of a run."""

    def __init__(self, graphql_url: str) -> None:
        self._graphql_url = graphql_url
        self._lock = threading.Lock()
        self.requests = self.rest = 0

    def over(self, send: Callable[[APIRequest], APIResponse]) -> Callable[[APIRequest], APIResponse]:
        """A sender whose requests are counted."""

        def counted(request: APIRequest) -> APIResponse:
            self._count(request)
            return send(request)

        return counted

    def aover(
        self, send: Callable[[APIRequest], Awaitable[APIResponse]]
    ) -> Callable[[APIRequest], Awaitable[APIResponse]]:
        """The same for asyncio."""

        def counted(request: APIRequest) -> Awaitable[APIResponse]:
            self._count(request)
            return send(request)

        return counted

    def _count(self, request: APIRequest) -> None:
        with self._lock:
            self.requests += 1
            self.rest += request.url != self._graphql_url


class Beside(Generic[T]):
    """A function that runs in a thread of its own, so that Ctrl-C is heard at once."""

    def __init__(self, function: Callable[[], T], stopped: threading.Event) -> None:
        """`stopped`, once set, makes the function end early."""
        self._function, self._stopped = function, stopped
        self._result: list[T] = []
        self._error: BaseException | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="vestal-fetch", daemon=True)

    def start(self) -> None:
        """Let it run. From here on Ctrl-C may come at any moment: the caller sees to `stop`."""
        self._thread.start()

    def result(self) -> T:
        """Wait for the end; what the function returned, or raised. If the wait is interrupted, the function is stopped."""
        try:
            if self._thread.ident is None:
                self.start()
            self._thread.join()
        except BaseException:
            self.stop()
            raise
        if self._error is not None:
            raise self._error
        return self._result[0]

    def stop(self) -> None:
        """Make the function end, and wait until it has."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._result.append(self._function())
        except BaseException as error:
            self._error = error


class Stream(Generic[T]):
    """Items that come in batches, from any thread, for a generator to give on."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Sequence[T] | None] = queue.SimpleQueue()

    def put(self, items: Sequence[T]) -> None:
        """Some more."""
        self._queue.put(items)

    def end(self) -> None:
        """No more."""
        self._queue.put(None)

    def __iter__(self) -> Iterator[T]:
        while (items := self._queue.get()) is not None:
            yield from items
