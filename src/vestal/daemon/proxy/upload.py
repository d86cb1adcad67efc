"""`Upload`: the client's side of one exchange: the body that it sends, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

import httpcore2

if TYPE_CHECKING:
    from starlette.types import Receive

AGAIN = 256 << 10
"""Bytes of a body that are remembered, so that it can be sent again."""


class Gone(Exception):
    """The client has gone: nobody waits for an answer."""


class Answered(httpcore2.WriteError):
    """The service has begun to answer: it wants no more of the body. Of this kind, httpcore2 takes it as a cue to read."""


class Upload:
    """One request's body, read while it is sent on. Remembered until it gets longer than `most` bytes."""

    def __init__(self, receive: Receive, *, most: int = AGAIN) -> None:
        self._receive = receive
        self._most = most
        self._kept: bytearray | None = bytearray()
        self._ended = False
        self._answered = False
        self._sending: asyncio.Timeout | None = None
        self._attending: asyncio.Timeout | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def replayable(self) -> bool:
        """Whether all that has been read so far is at hand."""
        return self._kept is not None

    def body(self) -> AsyncGenerator[bytes]:
        """The body for one try, from its beginning: only while it is `replayable`.

        It raises `Answered`, and `Gone` if the client leaves before its end.
        """
        self._answered = False
        return self._chunks()

    async def _chunks(self) -> AsyncGenerator[bytes]:
        if self._kept:
            yield bytes(self._kept)
        while not self._ended:
            async with self.unanswered():
                message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Gone
            chunk: bytes = message.get("body", b"")
            if not message.get("more_body", False):
                self.end()
            if self._kept is not None:
                self._kept += chunk
                self._kept = self._kept if len(self._kept) <= self._most else None
            if chunk:
                yield chunk

    def end(self) -> None:
        """No more of the body is wanted, or there is none: what the client still sends is let fall."""
        self._ended = True
        if self._watch is None and self._attending is not None:
            self._watch = asyncio.create_task(self._await_end())

    def answer(self) -> None:
        """The service has begun to answer: stop sending."""
        self._answered = True
        if self._sending is not None:
            self._sending.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def unanswered(self) -> AsyncGenerator[None]:
        """A block that ends, with `Answered`, as soon as the service begins to answer."""
        if self._answered:
            raise Answered
        try:
            async with asyncio.timeout(None) as self._sending:
                yield
            return
        except TimeoutError:
            pass
        finally:
            self._sending = None
        raise Answered

    @asynccontextmanager
    async def attended(self) -> AsyncGenerator[None]:
        """A block that ends, with `Gone`, if the client leaves after its body is read."""
        try:
            async with asyncio.timeout(None) as self._attending:
                yield
            return
        except TimeoutError:
            pass
        finally:
            self._attending = None
            if self._watch is not None:
                self._watch.cancel()
                await asyncio.wait([self._watch])
        raise Gone

    async def _await_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if self._attending is not None:
            self._attending.reschedule(asyncio.get_running_loop().time())


UPLOAD: ContextVar[Upload | None] = ContextVar("vestal upload", default=None)
"""The body that the present task is sending: the connection under it tells it that the service has begun to answer."""
