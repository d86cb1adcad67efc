"""One HTTP/1.1 connection with keep-alive and pipelining. What needs no waiting is answered without a task."""

from __future__ import annotations

import asyncio

from tests.github.stub.logged import Reply
from tests.github.stub.service import Service
from vestal.testing.practice import wire
from vestal.testing.practice.message import Answer, Request


class Connection(asyncio.Protocol):
    """Takes requests off the wire, one after the other, and sends what the service answers."""

    def __init__(self, service: Service, open_connections: set[Connection]) -> None:
        self._service = service
        self._open = open_connections
        self._buffer = bytearray()
        self._waiting: asyncio.TimerHandle | None = None
        self._reply: Reply | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport  # asyncio has set TCP_NODELAY
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self)
        if self._waiting is not None:
            self._waiting.cancel()
        if self._reply is not None:
            self._reply.sent()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def close(self) -> None:
        """At once."""
        self._transport.abort()

    def _go_on(self) -> None:
        while self._reply is None and not self._transport.is_closing():
            try:
                request = wire.read(self._buffer)
            except wire.BadRequest as bad:
                now = self._service.clock.now()
                self._transport.write(wire.write(Answer(bad.status), method="", keep_alive=False, now=now))
                self._transport.close()
                return
            if request is None:
                return
            self._reply = self._service.answer(request)
            if self._reply.delay > 0:
                self._waiting = asyncio.get_running_loop().call_later(self._reply.delay, self._late, request)
            else:
                self._finish(request)

    def _late(self, request: Request) -> None:
        self._waiting = None
        self._finish(request)
        self._go_on()

    def _finish(self, request: Request) -> None:
        reply, self._reply = self._reply, None
        assert reply is not None
        reply.sent()
        if reply.answer is None:
            self._transport.abort()
            return
        now = self._service.clock.now()
        data = wire.write(reply.answer, method=request.method, keep_alive=request.keep_alive, now=now)
        if reply.answer.status in (204, 304):  # RFC 9110, 8.6: a 204 has no length, a 304 not this one
            data = data.replace(b"\r\nContent-Length: 0", b"")
        self._transport.write(data)
        if not request.keep_alive:
            self._transport.close()
