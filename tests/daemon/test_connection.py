"""Connections, served in this process; the time is told to them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from uvicorn.server import ServerState

from tests.daemon.tiny_daemon import app
from vestal.daemon.connection import BODY_SILENCE, HEAD_WITHIN, READ_SILENCE, Connection
from vestal.daemon.listening import tcp_socket, unix_socket

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Served:
    """The tiny application at a Unix socket and at a TCP port."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = 0
        self.state = ServerState()
        self.writers: list[asyncio.StreamWriter] = []

    async def connect(self, sent: bytes = b"") -> Streams:
        reader, writer = await asyncio.open_unix_connection(self.path)
        self.writers.append(writer)
        writer.write(sent)
        while not self.state.connections:
            await asyncio.sleep(0)
        return reader, writer

    async def over_tcp(self, sent: bytes) -> Streams:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(sent)
        return reader, writer

    @property
    def only(self) -> Connection:
        (found,) = self.state.connections
        assert isinstance(found, Connection)
        return found

    def check(self, later: float) -> None:
        """Look after them, so many seconds from now."""
        for connection in list(self.state.connections):
            assert isinstance(connection, Connection)
            connection.check(asyncio.get_running_loop().time() + later)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path / "run" / "vestal.sock")
    config = uvicorn.Config(app, http=Connection, ws="none", log_config=None, lifespan="off")
    config.load()
    loop = asyncio.get_running_loop()
    bound = tcp_socket("127.0.0.1", 0)
    made.port = bound.getsockname()[1]
    servers = [
        await loop.create_server(lambda: Connection(config=config, server_state=made.state, app_state={}), sock=each)
        for each in (unix_socket(made.path), bound)
    ]
    yield made
    for writer in made.writers:
        writer.close()
    for connection in list(made.state.connections):
        assert isinstance(connection, Connection)
        connection.transport.abort()
    for task in list(made.state.tasks):
        task.cancel()
    await asyncio.gather(*made.state.tasks, return_exceptions=True)
    for server in servers:
        server.close()
        await server.wait_closed()


def request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """The body of a chunked answer of one chunk."""
    await reader.readuntil(b"\r\n\r\n")
    length = int(await reader.readline(), 16)
    body = await reader.readexactly(length)
    await reader.readuntil(b"0\r\n\r\n")
    return body


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of a connection; whether nothing came before it."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def is_open(streams: Streams) -> bool:
    """Whether a further request is answered."""
    streams[1].write(request("/healthz"))
    return await body_of(streams[0]) == b"well"


async def test_the_application_is_told_who_asks(served: Served) -> None:
    reader, _ = await served.connect(request("/peer"))
    peer = {"uid": os.getuid(), "pid": os.getpid()}
    assert json.loads(await body_of(reader)) == {"vestal.peer": peer}
    reader, _ = await served.over_tcp(request("/peer"))
    assert json.loads(await body_of(reader)) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="takes root to be somebody else")
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes setpriv")
async def test_another_user_is_cut_off_even_where_the_files_would_let_him_in(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in served.path.parents:
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(0o755)
    served.path.chmod(0o666)
    where, what = str(served.path), request("/peer")
    asking = f"import socket; s = socket.socket(1); s.connect({where!r}); s.sendall({what!r}); print(s.recv(999))"
    child = await asyncio.create_subprocess_exec(
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/env", "python3", "-c", asking),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await child.communicate()
    assert b"HTTP/1.1" not in out
    assert out == b"b''\n" or b"ConnectionResetError" in err or b"BrokenPipeError" in err, err
    assert "uid 65534 was refused" in caplog.text


async def test_a_client_that_says_nothing_is_cut_off(served: Served) -> None:
    reader, _ = await served.connect()
    served.check(HEAD_WITHIN - 1)
    assert len(served.state.connections) == 1
    served.check(HEAD_WITHIN + 1)
    assert await ended(reader)


async def test_a_head_that_comes_drop_by_drop_has_a_limit(served: Served) -> None:
    reader, writer = await served.connect(request("/healthz"))
    await body_of(reader)
    served.check(HEAD_WITHIN + 1)  # it may rest between two requests
    writer.write(request("/healthz")[:5])
    while not served.only.conn.trailing_data[0]:
        await asyncio.sleep(0)
    first = asyncio.get_running_loop().time()
    await asyncio.sleep(0.05)
    writer.write(request("/healthz")[5:10])
    while len(served.only.conn.trailing_data[0]) < 10:
        await asyncio.sleep(0)
    served.only.check(first + HEAD_WITHIN + 0.04)  # the second part came later: it does not count
    assert await ended(reader)


async def test_a_body_that_stops_coming_is_cut_off_and_a_slow_one_is_not(served: Served) -> None:
    streams = await served.connect(request("/read", "Content-Length: 3"))
    reader, writer = streams
    for _ in range(3):
        writer.write(b"x")
        await asyncio.sleep(0.01)
        served.check(BODY_SILENCE - 1)
    assert await body_of(reader) == b"3"
    assert await is_open(streams)
    writer.write(request("/read", "Content-Length: 3") + b"x")
    while served.only.conn.their_state.__name__ != "SEND_BODY":
        await asyncio.sleep(0)
    served.check(BODY_SILENCE + 1)
    assert await ended(reader)


async def test_a_body_that_goes_on_after_the_answer_has_a_limit(served: Served) -> None:
    reader, writer = await served.connect(request("/healthz", "Content-Length: 100"))
    await body_of(reader)
    await asyncio.sleep(0.01)
    answered = asyncio.get_running_loop().time()
    for _ in range(3):
        await asyncio.sleep(0.05)
        writer.write(b"x")
    await asyncio.sleep(0.05)
    served.only.check(answered + BODY_SILENCE - 1)
    assert len(served.state.connections) == 1
    served.only.check(answered + BODY_SILENCE + 0.04)
    assert await ended(reader)


async def test_both_a_length_and_chunks_are_no_request(served: Served) -> None:
    """Another program on the way may have found another end of it, and what follows may not be this client's."""
    reader, writer = await served.connect(request("/healthz", "Content-Length: 5", "Transfer-Encoding: chunked"))
    writer.write(b"0\r\n\r\n" + request("/peer"))
    told = await reader.read()
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.count(b"HTTP/1.1") == 1
    assert b"application/problem+json" in told


@pytest.mark.parametrize(
    ("said", "status"), [(b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nX: " + b"x" * 99999, 431)]
)
async def test_what_is_no_http_is_answered_with_a_problem(served: Served, said: bytes, status: int) -> None:
    reader, _ = await served.connect(said)
    told = await reader.read()
    assert told.startswith(f"HTTP/1.1 {status} ".encode())
    assert json.loads(told.partition(b"\r\n\r\n")[2])["status"] == status
    assert b"\r\ncontent-security-policy: default-src 'none'" in told
    served.check(HEAD_WITHIN + 1)  # one that does not hang up is not waited for
    while served.state.connections:
        await asyncio.sleep(0)


async def test_a_bad_chunk_in_the_middle_of_the_answer_ends_it(
    served: Served, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the tiny application notes that a client has left
    reader, writer = await served.connect(request("/events", "Transfer-Encoding: chunked"))
    await reader.readuntil(b"data: hello\n\n")
    writer.write(b"no chunk\r\n")
    assert not (await reader.read()).startswith(b"HTTP/1.1")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_who_waits_for_us_is_not_cut_off(served: Served) -> None:
    waiting = await served.connect(request("/events"))
    await waiting[0].readuntil(b"data: hello\n\n")
    served.check(3600)
    assert len(served.state.connections) == 1


async def test_one_that_does_not_read_is_cut_off(served: Served) -> None:
    await served.connect(request("/flood"))
    while not served.only.flow.write_paused:
        await asyncio.sleep(0)
    served.check(READ_SILENCE - 1)
    assert len(served.state.connections) == 1
    served.check(READ_SILENCE + 1)
    while served.state.connections:
        await asyncio.sleep(0)


async def test_a_pipeline_is_answered_in_turn(served: Served) -> None:
    reader, _ = await served.connect(request("/healthz") + request("/peer"))
    assert await body_of(reader) == b"well"
    assert b"vestal.peer" in await body_of(reader)
