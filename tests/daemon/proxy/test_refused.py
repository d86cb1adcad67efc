"""Tokens that the service refuses."""

from __future__ import annotations

import asyncio

import pytest

from tests.daemon.proxy.conftest import WITHIN, Call, Handler, World, in_pieces


def unless(good: bytes, calls: list[tuple[bytes, bytes]], status: int = 401) -> Handler:
    async def serve(call: Call) -> None:
        while True:
            await call.head()
            token, body = call.all(b"authorization")[0], await call.body()
            calls.append((token, body))
            call.answer(200 if token == b"Bearer " + good else status, b"said " + token)
            await call.writer.drain()

    return serve


@pytest.mark.parametrize("body", [b"", b"x" * 1000, b"y" * (256 << 10)])
async def test_a_refused_token_is_tried_once_more(world: World, body: bytes) -> None:
    calls: list[tuple[bytes, bytes]] = []
    world.service.handler = unless(b"at-2", calls)
    answer = await world.client.post("/proxy/acme/x", content=in_pieces(body) if body else None)
    assert answer.status_code == 200
    assert calls == [(b"Bearer at-1", body), (b"Bearer at-2", body)]


async def test_two_refusals_are_passed_on(world: World) -> None:
    calls: list[tuple[bytes, bytes]] = []
    world.service.handler = unless(b"never", calls)
    answer = await world.client.put("/proxy/acme/x", content=b"abc")
    assert (answer.status_code, answer.content) == (401, b"said Bearer at-2")
    assert answer.headers["via"] == "1.1 vestal"
    assert [token for token, _ in calls] == [b"Bearer at-1", b"Bearer at-2"]


async def test_a_long_body_is_not_sent_again_but_the_next_one_has_a_newer_token(world: World) -> None:
    calls: list[tuple[bytes, bytes]] = []
    world.service.handler = unless(b"at-2", calls)
    answer = await world.client.post("/proxy/acme/x", content=b"z" * (257 << 10))
    assert answer.status_code == 401
    async with asyncio.timeout(WITHIN):
        while world.tokens.given < 2:
            await asyncio.sleep(0.01)
        while world.house.home.peek("acme") is None or (await world.house.token("acme")).version < 2:
            await asyncio.sleep(0.01)
    assert (await world.client.get("/proxy/acme/x")).status_code == 200
    assert [token for token, _ in calls] == [b"Bearer at-1", b"Bearer at-2"]


async def test_a_refusal_before_the_body_has_ended(world: World) -> None:
    """What had been read goes again, and the rest follows."""
    calls: list[bytes] = []
    refused, left = asyncio.Event(), asyncio.Event()

    async def serve(call: Call) -> None:
        await call.head()
        calls.append(call.all(b"authorization")[0])
        if len(calls) == 1:
            assert await call.reader.readexactly(3) == b"one"
            call.answer(401)
            await call.writer.drain()
            refused.set()
            await call.left()
            left.set()
        else:
            call.answer(200, await call.body())

    world.service.handler = serve
    call = await world.ask("POST /proxy/acme/x", "Content-Length: 6", body=b"one")
    await asyncio.wait_for(refused.wait(), WITHIN)
    call.say(b"two")
    assert (await call.head()).line == b"HTTP/1.1 200 OK"
    assert await call.body() == b"onetwo"
    assert calls == [b"Bearer at-1", b"Bearer at-2"]
    await asyncio.wait_for(left.wait(), WITHIN)


async def test_other_refusals_are_passed_on(world: World) -> None:
    calls: list[tuple[bytes, bytes]] = []
    world.service.handler = unless(b"never", calls, 403)
    assert (await world.client.get("/proxy/acme/x")).status_code == 403
    assert len(calls) == 1
