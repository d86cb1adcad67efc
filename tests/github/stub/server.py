"""`Stub`: GitHub on a free port of 127.0.0.1, in one thread of its own.

    with Stub(pulls=300) as stub:
        token = stub.add_pat("alice")
        httpx2.get(f"{stub.url}/repos/acme/widgets/pulls", headers={"Authorization": f"Bearer {token}"})
        stub.advance(3600)
        assert stub.log[-1].status == 200

An Enterprise Server with the same world is at `stub.enterprise_url`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any, Self

from tests.github.stub.connection import Connection
from tests.github.stub.control import Control
from tests.github.stub.generate import generate
from tests.github.stub.service import Service
from tests.github.stub.steering import Steering
from tests.github.stub.world import World

_BACKLOG = 1024


class Stub(Steering):
    """The stub as an object; see `Steering` for what can be done to it."""

    def __init__(
        self, world: World | None = None, *, pulls: int = 60, seed: int = 1, port: int = 0, **settings: Any
    ) -> None:
        """`world`: by default a generated one with so many pull requests. `settings`: as for `configure`."""
        super().__init__(Service(generate(seed, pulls) if world is None else world))
        self.service.control = Control(self)
        self.configure(**settings)
        self._port = port
        self._connections: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its address, which stands for https://api.github.com and https://github.com (`/login/...`)."""
        return self.service.url

    @property
    def enterprise_url(self) -> str:
        """The REST API as an Enterprise Server has it; GraphQL is at `/api/graphql` of the same host."""
        return f"{self.service.url}/api/v3"

    def start(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self._port), backlog=_BACKLOG)
        self._port = listener.getsockname()[1]
        self.service.url = f"http://127.0.0.1:{self._port}"
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listener, started), name="github-stub", daemon=True)
        self._thread.start()
        started.wait()
        return self

    def stop(self) -> None:
        """Close all connections, in the middle of requests as well; all that it knows outlives that."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _run(self, listener: socket.socket, started: threading.Event) -> None:
        with asyncio.Runner() as runner:
            loop = self._loop = runner.get_loop()
            server = loop.run_until_complete(
                loop.create_server(lambda: Connection(self.service, self._connections), sock=listener, backlog=_BACKLOG)
            )
            loop.call_soon(started.set)
            loop.run_forever()
            loop.run_until_complete(self._close(server))

    async def _close(self, server: asyncio.Server) -> None:
        server.close()
        for connection in list(self._connections):
            connection.close()
        while self._connections:  # asyncio closes their sockets in its next rounds
            await asyncio.sleep(0)
            for connection in list(self._connections):
                connection.close()  # it was accepted meanwhile
