"""A client of either kind, called in the same way: tests of flows are written once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.github.stub.apps import App
from tests.github.stub.server import Stub
from vestal.core.clock import Clock
from vestal.core.events import EventCounter
from vestal.home import Home
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.api import AsyncGitHubAPIClient, GitHubAPIClient
from vestal.services.sender import APISender, AsyncAPISender
from vestal.testing.clock import FakeClock

KINDS = ["sync", "async"]


class LinkedClock(FakeClock):
    """A clock that stands still until somebody sleeps or advances it; the stub's goes with it."""

    def __init__(self, stub: Stub) -> None:
        super().__init__()
        self._stub = stub
        stub.stop_clock(self.now())

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._stub.advance(seconds)


class Both:
    """`both.get_repo_details(...)` blocks, whichever client is behind it."""

    def __init__(self, kind: str, **options: Any) -> None:
        self._runner = asyncio.Runner() if kind == "async" else None
        self._sender: Any = None
        if "before" in options:
            self._sender = APISender() if self._runner is None else AsyncAPISender()
            options["sender"] = _watched(self._sender, options.pop("before"))
        self.client: Any = (GitHubAPIClient if self._runner is None else AsyncGitHubAPIClient)(**options)

    def __getattr__(self, name: str) -> Any:
        method, runner = getattr(self.client, name), self._runner
        if runner is None:
            return method

        def run(*args: Any, **kwargs: Any) -> Any:
            async def awaited() -> Any:
                return await method(*args, **kwargs)

            return runner.run(awaited())

        return run

    def finish(self) -> None:
        for one in filter(None, (self.client, self._sender)):
            closing = one.close()
            if self._runner is not None:
                self._runner.run(closing)
        if self._runner is not None:
            self._runner.close()


def _watched(sender: APISender | AsyncAPISender, before: Callable[[APIRequest], None]) -> Any:
    """A sender that says what it is about to send."""
    if isinstance(sender, APISender):

        def send(request: APIRequest) -> APIResponse:
            before(request)
            return sender(request)

        return send

    async def asend(request: APIRequest) -> APIResponse:
        before(request)
        return await sender(request)

    return asend


class Place:
    """A stub with an app, a home in memory, and clients of a kind."""

    def __init__(self, stub: Stub, kind: str, clock: Clock | None = None, **options: Any) -> None:
        self.stub, self.kind = stub, kind
        self.events = EventCounter()
        self.home = Home.in_memory(clock=clock, listeners=[self.events])
        self.app: App = stub.add_app()
        self._options = options
        self._clients: list[Both] = []

    def client(self, **options: Any) -> Both:
        given: dict[str, Any] = {
            "app_id": self.app.id,
            "private_key": self.app.private_key,
            "base_url": self.stub.url,
            "home": self.home,
            "environ": {},
        }
        made = Both(self.kind, **{**given, **self._options, **options})
        self._clients.append(made)
        return made

    def close(self) -> None:
        for client in self._clients:
            client.finish()
        self.home.close()

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.home.clock, FakeClock)
        return self.home.clock

    def paths(self, ending: str = "") -> list[str]:
        """Requests that the stub has had, with their status: `GET /app 200`."""
        return [f"{e.method} {e.path} {e.status}" for e in self.stub.log if e.path.endswith(ending)]


@contextmanager
def place(kind: str, *, fake: bool = False, pulls: int = 3, **options: Any) -> Iterator[Place]:
    """`fake`: time stands still, but for who waits."""
    with Stub(pulls=pulls) as stub:
        made = Place(stub, kind, LinkedClock(stub) if fake else None, **options)
        try:
            yield made
        finally:
            made.close()
