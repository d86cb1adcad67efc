"""Ends that come too early, and answers."""

from __future__ import annotations

import asyncio

from tests.daemon.proxy.conftest import WITHIN, Call, World


async def test_an_answer_before_the_body_has_ended(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        call.answer(413, b"too long")
        await call.left()

    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Content-Length: 1000000000", body=b"x" * 10)
    assert (await call.head()).line.startswith(b"HTTP/1.1 413")
    assert await call.reader.readexactly(8) == b"too long"


async def test_an_answer_from_a_service_that_reads_no_more(world: World) -> None:
    async def serve(call: Call) -> None:
        call.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await full.wait()
        call.answer(403, b"no")
        await call.writer.drain()
        await answered.wait()

    full, answered = asyncio.Event(), asyncio.Event()
    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Transfer-Encoding: chunked")
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"

    async def push() -> None:
        while True:
            call.say(piece)
            await call.writer.drain()

    pushing = asyncio.create_task(push())
    while call.writer.transport.get_write_buffer_size() < 65536:
        await asyncio.sleep(0.01)  # until nobody takes any more
    full.set()
    assert (await asyncio.wait_for(call.head(), WITHIN)).line.startswith(b"HTTP/1.1 403")
    answered.set()
    pushing.cancel()


async def test_a_service_that_breaks_off(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        call.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")

    world.service.handler = serve
    call = await world.ask("GET /proxy/acme/x")
    await call.head()
    rest = await asyncio.wait_for(call.reader.read(), WITHIN)
    assert rest == b"3\r\none\r\n", "no last chunk: the client sees that it is not whole"


async def test_a_client_that_leaves_while_the_service_thinks(world: World) -> None:
    reached, left = asyncio.Event(), asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        await call.body()
        reached.set()
        await call.left()
        left.set()

    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Content-Length: 3", body=b"abc")
    await asyncio.wait_for(reached.wait(), WITHIN)
    call.writer.close()
    await asyncio.wait_for(left.wait(), WITHIN)


async def test_a_client_that_leaves_in_the_middle_of_the_answer(world: World) -> None:
    left = asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst")
        await call.left()
        left.set()

    world.service.handler = serve
    call = await world.ask("GET /proxy/acme/x")
    await call.head()
    assert await call.reader.readexactly(5) == b"first"
    call.writer.close()
    await asyncio.wait_for(left.wait(), WITHIN)


async def test_a_client_that_leaves_although_it_was_answered_before_its_body_had_ended(world: World) -> None:
    left = asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfirst")
        await call.left()
        left.set()

    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Content-Length: 1000", body=b"abc")
    await call.head()
    call.say(b"more")
    assert await call.reader.readexactly(5) == b"first"
    call.writer.close()
    await asyncio.wait_for(left.wait(), WITHIN)


async def test_a_client_that_leaves_in_the_middle_of_its_body(world: World) -> None:
    left = asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        assert await call.reader.readexactly(3) == b"abc"
        reached.set()
        await call.left()
        left.set()

    reached = asyncio.Event()
    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Content-Length: 1000", body=b"abc")
    await asyncio.wait_for(reached.wait(), WITHIN)
    call.writer.close()
    await asyncio.wait_for(left.wait(), WITHIN)


async def test_no_connection_is_lost_to_clients_that_leave(world: World) -> None:
    reached = asyncio.Semaphore(0)

    async def serve(call: Call) -> None:
        await call.head()
        reached.release()
        await call.left()

    async def answer(call: Call) -> None:
        await call.head()
        call.answer(200)

    world.service.handler = serve
    for _ in range(300):  # more than there are connections
        call = await world.ask("GET /proxy/acme/x")
        await asyncio.wait_for(reached.acquire(), WITHIN)
        call.writer.close()
    world.service.handler = answer
    assert (await world.client.get("/proxy/acme/x")).status_code == 200


async def test_a_kept_connection_that_was_closed_meanwhile(world: World) -> None:
    """The service closes it just when the next request is on its way."""

    async def serve(call: Call) -> None:
        await call.head()
        call.answer(200, b"first")
        await call.head()

    world.service.handler = serve
    for _ in range(3):
        assert (await world.client.get("/proxy/acme/x")).status_code == 200
    answer = await world.client.post("/proxy/acme/x", content=b"once only")
    assert answer.status_code == 502, "a POST is not sent twice"
    assert answer.json()["category"] == "NETWORK_ERROR"
