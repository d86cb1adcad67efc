"""Bodies both ways: whole, as they come, as they are."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import random

import pytest

from tests.daemon.proxy.conftest import WITHIN, Call, World, in_pieces

BIG = random.Random(4).randbytes(9 << 20)


@pytest.mark.parametrize("chunked", [True, False])
async def test_large_bodies_both_ways(world: World, chunked: bool) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        assert bool(call.all(b"transfer-encoding")) is chunked
        assert call.all(b"content-length") == ([] if chunked else [b"%d" % len(BIG)])
        uploaded = hashlib.sha256()
        async for chunk in call.chunks():
            uploaded.update(chunk)
        assert uploaded.digest() == hashlib.sha256(BIG).digest()
        call.say(b"HTTP/1.1 200 OK\r\n")
        if chunked:
            call.say(b"Transfer-Encoding: chunked\r\n\r\n")
            async for piece in in_pieces(BIG, 77_777):
                call.say(b"%x\r\n%b\r\n" % (len(piece), piece))
                await call.writer.drain()
            call.say(b"0\r\n\r\n")
        else:
            call.say(b"Content-Length: %d\r\n\r\n" % len(BIG))
            call.say(BIG)

    world.service.handler = serve
    content = in_pieces(BIG) if chunked else BIG
    answer = await world.client.post("/proxy/acme/big", content=content)
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(BIG).digest()
    assert ("content-length" in answer.headers) is not chunked


async def test_a_body_goes_on_before_it_has_ended(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        async for chunk in call.chunks():
            got.put_nowait(chunk)
        call.answer(201)

    got: asyncio.Queue[bytes] = asyncio.Queue()
    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Transfer-Encoding: chunked")
    for text in (b"one", b"two"):
        call.say(b"3\r\n%b\r\n" % text)
        assert await asyncio.wait_for(got.get(), WITHIN) == text
    call.say(b"0\r\n\r\n")
    assert (await call.head()).line == b"HTTP/1.1 201 Created"


async def test_events_come_one_by_one(world: World) -> None:
    go = asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        call.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            await go.wait()
            go.clear()
            call.say(b"9\r\ndata: %d\n\n\r\n" % number)
        call.say(b"0\r\n\r\n")

    world.service.handler = serve
    async with world.client.stream("GET", "/proxy/acme/events") as answer:
        chunks = answer.aiter_raw()
        for number in range(3):
            go.set()
            assert await asyncio.wait_for(anext(chunks), WITHIN) == b"data: %d\n\n" % number
        assert [chunk async for chunk in chunks] == []


async def test_a_stream_may_be_silent_longer_than_the_first_byte(world: World) -> None:
    world.patient(answer=1.0)
    go = asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go.wait()
        call.say(b"cd")

    world.service.handler = serve
    async with world.client.stream("GET", "/proxy/acme/") as answer:
        chunks = answer.aiter_raw()
        assert await anext(chunks) == b"ab"
        await asyncio.sleep(1.3)  # it must outlast the patience
        go.set()
        assert await anext(chunks) == b"cd"


@pytest.mark.parametrize(
    ("method", "head", "length"),
    [
        ("HEAD", b"200 OK\r\nContent-Length: 4711", "4711"),
        ("GET", b"204 No Content", None),
        ("GET", b"304 Not Modified\r\nContent-Length: 4711\r\nETag: x", "4711"),
    ],
)
async def test_answers_without_a_body(world: World, method: str, head: bytes, length: str | None) -> None:
    async def serve(call: Call) -> None:
        while True:
            await call.head()
            call.say(b"HTTP/1.1 %b\r\n\r\n" % head)

    world.service.handler = serve
    for _ in range(2):  # the second comes on the same connections: nothing was left on them
        call = await world.client.request(method, "/proxy/acme/x")
        assert call.status_code == int(head[:3])
        assert call.content == b""
        assert call.headers.get("content-length") == length
    assert world.service.connections == 1


async def test_an_answer_that_ends_with_its_connection(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        call.say(b"HTTP/1.0 200 OK\r\n\r\nall of it")

    world.service.handler = serve
    answer = await world.client.get("/proxy/acme/x")
    assert answer.content == b"all of it"
    assert answer.headers["via"] == "1.0 vestal"


async def test_encoded_content_is_not_touched(world: World) -> None:
    packed = gzip.compress(b"hello" * 1000)

    async def serve(call: Call) -> None:
        assert (await call.head()).all(b"accept-encoding") == [b"gzip, x"]
        call.answer(200, packed, b"Content-Encoding: gzip")

    world.service.handler = serve
    async with world.client.stream("GET", "/proxy/acme/x", headers={"Accept-Encoding": "gzip, x"}) as answer:
        assert b"".join([chunk async for chunk in answer.aiter_raw()]) == packed
        assert answer.headers["content-length"] == str(len(packed))


async def test_interim_answers_are_the_daemons_own(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        assert call.all(b"expect") == []
        call.say(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        assert await call.body() == b"hello"
        call.answer(200, b"well")

    world.service.handler = serve
    call = await world.ask("PUT /proxy/acme/x", "Expect: 100-continue", "Content-Length: 5")
    assert await call.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    call.say(b"hello")
    assert (await call.head()).line == b"HTTP/1.1 200 OK"
