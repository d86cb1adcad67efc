"""Clients that are slow, broken or many, at a real daemon: they get what they deserve, and the others their tokens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.daemon.real_daemon import STEERED, RealDaemon
from tests.daemon.storm import (
    Answer,
    Connect,
    answer,
    crowd,
    healthy,
    leave,
    many_files,
    on_socket,
    on_tcp,
    question,
    storm,
)
from vestal.core.secret import Secret
from vestal.testing.practice import PracticeServer, Settings

NAME = "practice"
IDLE = 1000
GET = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@dataclass
class Door:
    """One of the two doors, and the key for it."""

    connect: Connect
    key: Secret | None

    def post(self, *headers: str, path: str = f"/v1/credentials/{NAME}/token", body: bytes = b"") -> bytes:
        """A request with these headers, and nothing more."""
        key = [] if self.key is None else [f"Authorization: Bearer {self.key.reveal()}"]
        return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *key, *headers, "", ""]).encode() + body


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemon]:
    with many_files(2 * IDLE), PracticeServer(Settings(access_token_lifetime=600)) as server:
        made = RealDaemon(tmp_path_factory.mktemp("rude") / "home", server, command=STEERED)
        made.add(NAME)
        try:
            made.start(tcp=True, HURRIED="1")
            yield made
        finally:
            made.close()
    told = made.log()
    assert "Traceback" not in told
    assert " ERROR " not in told


@pytest.fixture(scope="module")
def doors(daemon: RealDaemon) -> dict[str, Door]:
    return {"socket": Door(on_socket(daemon), None), "tcp": Door(on_tcp(daemon), daemon.key("robot", "token"))}


@pytest.fixture(params=["socket", "tcp"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


async def say(door: Door, *parts: bytes) -> list[Answer]:
    """Send this on one connection; all that is answered until the daemon closes it."""
    reader, writer = await door.connect()
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.02)  # so that the parts come apart
    answers = []
    try:
        async with asyncio.timeout(30):
            while True:
                answers.append(await answer(reader))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        await leave([(reader, writer)])
    return answers


async def test_many_who_say_nothing_and_some_who_never_come_to_an_end(daemon: RealDaemon, door: Door) -> None:
    """They cost nobody anything, and are cut off."""
    silent = await crowd(door.connect, IDLE)
    slow = await crowd(door.connect, 50)
    rested = await crowd(door.connect, 20)
    try:
        for number, (_, writer) in enumerate(slow):
            begun = [b"P", GET.encode(), door.post("Content-Length: 9"), door.post("Transfer-Encoding: chunked")]
            writer.write(begun[number % 4])
        assert {each.status for each in await storm(rested, question(NAME, door.key))} == {200}
        dripping = asyncio.create_task(drip(slow))
        others = await crowd(door.connect, 20)
        for _ in range(10):
            assert {each.status for each in await storm(others, question(NAME, door.key))} == {200}
        await leave(others)
        async with asyncio.timeout(60):
            for reader, _ in (*silent, *slow):
                await cut_off(reader)
        dripping.cancel()
        assert {each.status for each in await storm(rested, question(NAME, door.key))} == {200}, "to rest is no sin"
    finally:
        await leave([*silent, *slow, *rested])


async def drip(connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
    """A byte now and then, so that nobody is silent. It is part of a header's name, or of a body."""
    while True:
        for _, writer in connections:
            if not writer.is_closing():
                writer.write(b"1")
        await asyncio.sleep(0.5)


async def cut_off(reader: asyncio.StreamReader) -> None:
    """Wait for the end. Who has begun a body is told why (408), the others are not worth a word."""
    try:
        told = await reader.read()
    except ConnectionError:
        return
    assert told == b"" or told.startswith((b"HTTP/1.1 408", b"HTTP/1.1 400")), told[:99]


async def test_a_head_without_end(door: Door) -> None:
    (told,) = await say(door, (GET + "X: " + "x" * 40_000).encode())
    check_problem(told, 431)
    (told,) = await say(door, (GET + "".join(f"X-{number}: {number}\r\n" for number in range(9000))).encode())
    check_problem(told, 431)


async def test_a_body_without_end(door: Door) -> None:
    (told,) = await say(door, door.post("Content-Length: 1000000000"))
    check_problem(told, 413)
    (told,) = await say(door, door.post("Transfer-Encoding: chunked"), b"10000\r\n" + bytes(65536), b"\r\n1\r\nx\r\n")
    check_problem(told, 413)
    (told,) = await say(door, door.post("Content-Length: 10"), b"{")
    check_problem(told, 408)


@pytest.mark.parametrize(
    "path", [f"/v1/credentials/{NAME}/token", f"/v1/credentials/{NAME}/refresh", "/v1/events", "/healthz", "/nothing"]
)
@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\nhelloXX", b"-1\r\n", b"5;" + b"x" * 40_000, b"\r\n\r\n"])
async def test_bad_chunks(daemon: RealDaemon, door: Door, path: str, body: bytes) -> None:
    """Whether or not somebody reads the body, and has begun to answer."""
    for method in (b"POST", b"GET"):
        head = door.post("Transfer-Encoding: chunked", path=path).replace(b"POST", method, 1)
        for parts in ((head + body,), (head, body)):
            await rough(door, *parts)
    await healthy(on_socket(daemon))


async def rough(door: Door, *parts: bytes) -> None:
    """Say this, and see that the connection comes to an end, with no answer that would be a defect."""
    reader, writer = await door.connect()
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.01)
    try:
        async with asyncio.timeout(30):
            told = await reader.read()
    except ConnectionError:
        told = b""
    finally:
        await leave([(reader, writer)])
    assert not told.startswith(b"HTTP/1.1 5"), told[:300]


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\nab",
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\nab",
        b"\n\n\n\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_what_is_no_request(daemon: RealDaemon, door: Door, said: bytes) -> None:
    reader, writer = await door.connect()
    writer.write(said)
    writer.write_eof()
    async with asyncio.timeout(30):
        try:
            told = await reader.read()
        except ConnectionError:
            told = b""
    await leave([(reader, writer)])
    assert told == b"" or told.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501 Not Implemented")), told[:300]


async def test_two_bodies_in_one(door: Door) -> None:
    """A length and chunks: it is not for us to guess where the next request begins."""
    inner = door.post("Content-Length: 0")
    said = door.post(f"Content-Length: {len(inner) + 5}", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + inner
    (told,) = await say(door, said)
    check_problem(told, 400)


async def test_a_long_pipeline_is_answered_in_turn(daemon: RealDaemon, door: Door) -> None:
    """One connection keeps its order, whatever each answer takes."""
    reader, writer = await door.connect()
    other = question("nobody/there", door.key)
    writer.write((question(NAME, door.key) + other) * 100)
    async with asyncio.timeout(60):
        statuses = [(await answer(reader)).status for _ in range(200)]
    await leave([(reader, writer)])
    assert statuses == [200, 404] * 100


async def test_noise(daemon: RealDaemon, door: Door) -> None:
    """Requests with a few bytes changed: the daemon lives, and says nothing of a defect."""
    dice = random.Random(7)
    whole = door.post("Content-Length: 2", body=b"{}") + door.post(
        "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"
    )

    async def one() -> None:
        said = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            said[dice.randrange(len(said))] = dice.randrange(256)
        reader, writer = await door.connect()
        writer.write(said)
        writer.write_eof()
        try:
            async with asyncio.timeout(30):
                told = await reader.read()
        except ConnectionError:
            told = b""
        await leave([(reader, writer)])
        assert b"HTTP/1.1 5" not in told.replace(b"HTTP/1.1 501", b""), bytes(said)  # 501: a transfer coding of its own

    for _ in range(10):
        await asyncio.gather(*[one() for _ in range(30)])
    await healthy(on_socket(daemon))


def check_problem(told: Answer, status: int) -> None:
    assert told.status == status
    assert told.told["status"] == status
    assert told.told["category"]
    assert told.told["remedy"]
