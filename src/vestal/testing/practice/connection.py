"""One HTTP connection: takes requests off it, one after the other, and sends what is to be sent."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from vestal.testing.practice import app, wire
from vestal.testing.practice.fault import Fault, Kind
from vestal.testing.practice.message import Answer, Request
from vestal.testing.practice.spoil import Spoilt, spoil
from vestal.testing.practice.state import State


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive and pipelining. A request without faults and latency is answered at once, without a task."""

    def __init__(self, state: State, open_connections: set[Connection]) -> None:
        self._state = state
        self._open = open_connections
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._told_to_go_on = False
        self._gone = asyncio.Event()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio has a new connection; it has set TCP_NODELAY."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self._gone.set()
        self._open.discard(self)

    def eof_received(self) -> None:
        """The client has gone: asyncio closes the connection."""
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._buffer += data
        self._go_on()

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return self._task is None and not self._buffer

    def close(self) -> asyncio.Task[None] | None:
        """Close at once; gives the task that still has to end, if there is one."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()
        return self._task

    def _go_on(self) -> None:
        while self._task is None and not self._transport.is_closing():
            try:
                request = wire.read(self._buffer)
            except wire.BadRequest as bad:
                self._send(wire.write(Answer(bad.status), method="", keep_alive=False, now=self._state.now()), False)
                return
            if request is None:
                if not self._told_to_go_on and wire.waits_to_send(self._buffer):
                    self._told_to_go_on = True
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self._told_to_go_on = False
            self._take(request)

    def _take(self, request: Request) -> None:
        name = app.endpoint(request).name
        self._state.counters.add(f"requests.{name}")
        fault = self._state.faults.take(name)
        if fault is None and not (self._state.settings.latency and name != "practice"):
            self._finish(request, Spoilt(app.answer(self._state, request)))
        else:
            self._task = asyncio.get_running_loop().create_task(self._slowly(request, fault))

    async def _slowly(self, request: Request, fault: Fault | None) -> None:
        """With a fault, or with latency."""
        try:
            if fault is not None and fault.kind is Kind.HANG_BEFORE and not await self._hold():
                return  # the client has gone, and nothing has happened
            takes_effect = fault is None or fault.redeems or fault.kind is Kind.HANG_BEFORE
            answer = app.answer(self._state, request) if takes_effect else Answer(500)
            if fault is not None and fault.kind is Kind.HANG_AFTER and not await self._hold():
                return
            if self._state.settings.latency:
                await asyncio.sleep(self._state.settings.latency)
            spoilt = spoil(fault, answer)
            if spoilt.pieces > 1:
                await self._drip(request, spoilt)
            else:
                self._finish(request, spoilt)
        finally:
            self._task = None
        self._go_on()

    async def _hold(self) -> bool:
        """Hold the request until it is released; False if the client went first."""
        released = self._state.faults.hold()
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._gone.wait()), asyncio.wrap_future(released)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._state.faults.let_go(released)
            for future in waiting:
                future.cancel()
        return released.done() and not self._gone.is_set()

    def _finish(self, request: Request, spoilt: Spoilt) -> None:
        """Send it all."""
        if spoilt.answer is None:
            self._cut(spoilt.reset)
            return
        keep_alive = request.keep_alive and spoilt.sent is None
        data = wire.write(spoilt.answer, method=request.method, keep_alive=keep_alive, now=self._state.now())
        if spoilt.sent is not None:
            data = data[: len(data) - len(spoilt.answer.body) + spoilt.sent]
        self._send(data, keep_alive)

    async def _drip(self, request: Request, spoilt: Spoilt) -> None:
        """Send it in pieces."""
        assert spoilt.answer is not None
        data = wire.write(spoilt.answer, method=request.method, keep_alive=request.keep_alive, now=self._state.now())
        size = -(-len(data) // spoilt.pieces)
        for start in range(0, len(data), size):
            if start:
                await asyncio.sleep(spoilt.pause)
            if self._transport.is_closing():
                return
            self._transport.write(data[start : start + size])
        if not request.keep_alive:
            self._transport.close()

    def _send(self, data: bytes, keep_alive: bool) -> None:
        self._transport.write(data)
        if not keep_alive:
            self._transport.close()

    def _cut(self, reset: bool) -> None:
        """Close without a word; with `reset`, not even the TCP way."""
        if reset and not self._transport.is_closing():
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()
