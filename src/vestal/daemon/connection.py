"""One connection: who it is, how patient we are with it, and how it ends when the daemon drains."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from vestal.daemon.auth import SECURITY, send_problem
from vestal.daemon.peer import Peer, peer_of
from vestal.daemon.problem import MEDIA_TYPE, Refusal, body_of

_log = logging.getLogger("vestal.daemon")

HEAD_WITHIN = 10.0
"""Seconds that a client has for the head of a request, from its first byte, or from connecting."""
BODY_SILENCE = 20.0
"""Seconds without a byte of a body that the application waits for."""
READ_SILENCE = 30.0
"""Seconds in which a client takes nothing of what is sent to it."""

_SMUGGLING = {b"content-length", b"transfer-encoding"}
"""Both in one request: whoever passes it on may have found another end of it than we do (RFC 9112, section 6.1)."""


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1 with what it leaves open.

    A peer of another user on the Unix socket is cut off before it can ask; of the others the application finds
    `scope["extensions"]["vestal.peer"] = {"uid": int, "pid": int | None}`. TCP connections have no such extension.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._inner = self.app
        self.app = self._identified
        self._peer: Peer | None = None
        self._streams = False
        self._awaiting: float | None = None
        """Since when the client owes us a part of a request; None if it owes nothing."""
        self._deaf = False
        """Whether nothing that still comes is heeded: the client is only given the time to hang up."""
        self._stuck: float | None = None
        """Since when it takes nothing."""

    async def _identified(self, scope: Any, receive: Any, send: Any) -> None:
        if self._peer is not None:
            scope["extensions"] = {"vestal.peer": {"uid": self._peer.uid, "pid": self._peer.pid}}
        self._streams = False
        if {name for name, _ in scope["headers"]} >= _SMUGGLING:
            await send_problem(_refusal(400, "the request has both a length and chunks"), send)
            return

        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._streams = any(
                    name.lower() == b"content-type" and value.startswith(b"text/event-stream")
                    for name, value in message.get("headers", ())
                )
            await send(message)

        await self._inner(scope, receive, noted)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look who it is."""
        super().connection_made(transport)
        self._awaiting = self.loop.time()
        connected = transport.get_extra_info("socket")
        if connected is None or connected.family != socket.AF_UNIX:
            return
        self._peer = peer_of(connected)
        if self._peer is None or self._peer.uid != os.geteuid():
            _log.warning("a connection of uid %s was refused", "?" if self._peer is None else self._peer.uid)
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read on, and note what the client still owes."""
        if self._deaf or self.transport.is_closing():
            return
        now = self.loop.time()
        if self._awaiting is None:
            self._awaiting = now
        super().data_received(data)
        if self._deaf:
            return
        if self.conn.their_state is h11.SEND_BODY:
            if self.conn.our_state is not h11.DONE:  # who has the answer has no more time for the rest of the question
                self._awaiting = now
        elif self.conn.their_state is not h11.IDLE or not self.conn.trailing_data[0]:
            self._awaiting = None

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        super().pause_writing()
        self._stuck = self.loop.time()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stuck = None

    def check(self, now: float) -> None:
        """Cut it off if it is too slow. Called about once a second with the loop's time."""
        if self._stuck is not None and now - self._stuck > READ_SILENCE:
            _log.info("a client that does not read was cut off")
            self.transport.abort()
        elif self._awaiting is not None:
            body = self.conn.their_state is h11.SEND_BODY
            if body and (self.flow.read_paused or self.conn.they_are_waiting_for_100_continue):
                self._awaiting = now  # it is we who keep it waiting
            elif now - self._awaiting > (BODY_SILENCE if body else HEAD_WITHIN):
                _log.info("a client was cut off in the middle of its request")
                self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with what is no HTTP, if it is still our turn to say something, and close."""
        status = getattr(sys.exception(), "error_status_hint", 400)  # h11's, for what is being handled
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            error = _refusal(status, "the head is too long" if status == 431 else "that is no HTTP")
            body = body_of(error)
            headers = {**error.headers, "Content-Type": MEDIA_TYPE, "Content-Length": str(len(body))}
            phrase = HTTPStatus(status).phrase
            answer = h11.Response(status_code=status, headers=[*headers.items()], reason=phrase)
            for event in (answer, h11.Data(body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.write_eof()  # closed with something unread, it would be reset, and the answer lost with it
        else:
            self.transport.close()
        self._deaf, self._awaiting = True, self.loop.time()
        if self.cycle is not None:  # the application has nothing more to say either
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def shutdown(self) -> None:
        """The daemon drains: what is idle is closed, an answer is finished, a stream of events ends here.

        The stream's client connects again by itself, as the HTML standard wants it (section 9.2.3).
        """
        if self.cycle is None or self.cycle.response_complete or not self._streams:
            super().shutdown()
            return
        self.cycle.disconnected = True  # the application sends no more
        with suppress(h11.LocalProtocolError):
            self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
        self.transport.close()


def _refusal(status: int, what: str) -> Refusal:
    """An answer that the application has no part in."""
    headers = {name.decode(): value.decode() for name, value in SECURITY} | {"Connection": "close"}
    return Refusal(status, what, headers=headers, remedy="send a request as RFC 9112 has it")
