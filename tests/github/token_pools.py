"""Pools of tokens at the stub, on the stub's own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.github.stub.server import Stub
from vestal.services.github import GitHubTokenPool


class StubTime:
    """A `Clock` that goes with the stub's. Whoever sleeps moves both: for tests with one thread."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self.slept = 0.0

    def now(self) -> float:
        return self._stub.clock.now()

    def steady(self) -> float:
        return time.monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._stub.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class CrowdTime:
    """The stub's time, which leaps ahead in the block whenever nothing is sent: for many threads that wait."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    def now(self) -> float:
        return self._stub.clock.now()

    def steady(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.3))

    @contextmanager
    def running(self) -> Iterator[None]:
        stop = threading.Event()

        def run() -> None:
            sent = 0
            while not stop.wait(0.5):
                if sent == len(self._stub.log):
                    self._stub.advance(10)
                sent = len(self._stub.log)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def pool_of(stub: Stub, *logins: str, **options: Any) -> GitHubTokenPool:
    """A pool with a token of each of these people (who may come more than once), on the stub's time."""
    time = StubTime(stub)
    defaults: dict[str, Any] = {"base_url": stub.url, "clock": time, "asleep": time.asleep, "environ": {}}
    return GitHubTokenPool([stub.add_pat(login) for login in logins], **defaults | options)


def paths(stub: Stub) -> list[str]:
    """What the stub was asked for."""
    return [logged.path for logged in stub.log]
