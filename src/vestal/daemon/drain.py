"""How the daemon ends: the first signal lets it finish what it has begun, the second does not."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from uvicorn.config import Config
from uvicorn.server import Server

from vestal.daemon.connection import Connection

LIMIT = 20
"""Seconds that requests have to end after the first signal; then they are cancelled."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DrainingServer(Server):
    """uvicorn's server with signals of its own.

    `ready` is called when all sockets are listened at, `draining` when the first signal is heeded, `stop` at the second
    signal, just before the process ends with 128 and the signal's number, whatever it is doing.
    """

    def __init__(
        self, config: Config, *, ready: Callable[[], None], draining: Callable[[], None], stop: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._draining = draining
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen no more, and let requests end."""
        self._draining()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; look after slow clients once."""
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.check(now)
        return await super().on_tick(counter)

    @contextmanager
    def signals(self) -> Generator[None]:
        """Heed signals, also while what goes on beside the server is started and stopped."""
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing: uvicorn's own handling would have the process die of the signal at the end."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come."""
        if self.should_exit:
            self._stop()
            os._exit(128 + sig)  # threads may hang in a service: nothing is waited for; the store recovers what is cut
        self.should_exit = True
