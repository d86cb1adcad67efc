"""Connections to services that notice an answer which comes before the request has been sent.

httpcore2 sends a request to its end before it reads. A service that refuses a long body at its first bytes and then reads
no more would block that for good; RFC 9112, 9.5: whoever sends a body watches for an answer meanwhile.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from vestal.daemon.proxy.upload import UPLOAD, Upload

_CHUNK = 64 << 10
_INTERIM = b"HTTP/1.1 1"
"""How an interim answer begins (RFC 9110, 15.2): the final one is still to come."""


def alive() -> list[tuple[int, int, int]]:
    """Options of a socket whose other end is asked for a sign of life: a stream may be silent for as long as it likes."""
    names = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
    known = {getattr(socket, name): value for name, value in names.items() if hasattr(socket, name)}
    return [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *((socket.IPPROTO_TCP, option, value) for option, value in known.items()),
    ]


class Backend(httpcore2.AsyncNetworkBackend):
    """As `httpcore2.AnyIOBackend`, with such connections."""

    def __init__(self) -> None:
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """See `AsyncNetworkBackend`."""
        return Stream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def sleep(self, seconds: float) -> None:
        """See `AsyncNetworkBackend`."""
        await self._inner.sleep(seconds)


class Stream(httpcore2.AsyncNetworkStream):
    """One connection. While a body is sent on it, it reads as well."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner = inner
        self._early: asyncio.Task[bytes] | None = None
        """What comes first of the answer to a request with a body."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See `AsyncNetworkStream`."""
        if self._early is None:
            return await self._inner.read(max_bytes, timeout)
        early = self._early
        try:
            async with asyncio.timeout(timeout):
                await asyncio.wait([early])
        except TimeoutError:
            raise httpcore2.ReadTimeout from None
        self._early = None
        return early.result()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See `AsyncNetworkStream`. Raises `Answered`."""
        upload = UPLOAD.get()
        if upload is None:
            await self._inner.write(buffer, timeout)
            return
        if self._early is None:
            self._early = asyncio.create_task(self._await_answer(upload))
        async with upload.unanswered():
            await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        """See `AsyncNetworkStream`."""
        early, self._early = self._early, None
        if early is not None:
            early.cancel()
            await asyncio.wait([early])
            if not early.cancelled():
                early.exception()
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """See `AsyncNetworkStream`."""
        return Stream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """See `AsyncNetworkStream`."""
        return self._inner.get_extra_info(info)

    async def _await_answer(self, upload: Upload) -> bytes:
        """Read until a final answer has begun, or the connection ends. What was read is told as one."""
        came = b""
        try:
            while True:
                more = await self._inner.read(_CHUNK)
                came += more
                if not more or not _is_interim(came) or len(came) > _CHUNK:
                    return came
        finally:
            upload.answer()


def _is_interim(came: bytes) -> bool:
    """Whether there are only interim answers so far."""
    while came.startswith(_INTERIM):
        _head, end, came = came.partition(b"\r\n\r\n")
        if not end:
            return True
    return not came or _INTERIM.startswith(came[: len(_INTERIM)])
