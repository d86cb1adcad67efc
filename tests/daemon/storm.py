"""Many clients at once, each on a connection of its own: raw, so that two thousand of them cost little."""

from __future__ import annotations

import asyncio
import json
import resource
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.daemon.real_daemon import RealDaemon
from vestal.core.secret import Secret

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


@dataclass(frozen=True)
class Answer:
    """What one client got."""

    status: int
    told: Any


def on_socket(daemon: RealDaemon) -> Connect:
    return lambda: asyncio.open_unix_connection(daemon.socket)


def on_tcp(daemon: RealDaemon) -> Connect:
    return lambda: asyncio.open_connection("127.0.0.1", daemon.port)


def question(name: str, key: Secret | None = None, **asked: int) -> bytes:
    """A question for a token."""
    body = json.dumps(asked).encode()
    lines = [f"POST /v1/credentials/{name}/token HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key.reveal()}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def answer(reader: asyncio.StreamReader) -> Answer:
    """The next answer on a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length:")[2].split("\r\n")[0])
    return Answer(int(head.split(" ")[1]), json.loads(await reader.readexactly(length)))


async def crowd(connect: Connect, size: int) -> list[Streams]:
    """So many open connections."""
    return list(await asyncio.gather(*[connect() for _ in range(size)]))


async def storm(connections: list[Streams], asked: bytes) -> list[Answer]:
    """All of them ask at once; what they get."""
    for _, writer in connections:
        writer.write(asked)
    return list(await asyncio.gather(*[answer(reader) for reader, _ in connections]))


async def leave(connections: list[Streams]) -> None:
    """Close them all, in whatever state they are."""
    for _, writer in connections:
        writer.close()
    await asyncio.gather(*[writer.wait_closed() for _, writer in connections], return_exceptions=True)


@contextmanager
def many_files(wanted: int) -> Iterator[None]:
    """Be allowed so many open files; skip the test where that can't be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{wanted} open files are more than this process may have")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def healthy(connect: Connect) -> None:
    """Ask something else, by which time the daemon has read what was sent before."""
    reader, writer = await connect()
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert (await answer(reader)).status == 200
    await leave([(reader, writer)])
