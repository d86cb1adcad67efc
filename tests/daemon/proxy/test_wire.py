"""Connections with TLS, and what comes on them before it was asked for."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from tests.daemon.proxy.conftest import WITHIN, Call, World
from tests.doors.guarded import certificate
from vestal.daemon.proxy.passage import Proxy
from vestal.daemon.proxy.wire import _is_interim


@pytest.mark.parametrize(
    ("came", "interim"),
    [
        (b"", True),
        (b"HTTP", True),
        (b"HTTP/1.1 1", True),
        (b"HTTP/1.1 100 Continue\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTT", True),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 2", False),
        (b"HTTP/1.1 413 No\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"gibberish", False),
    ],
)
def test_whether_the_final_answer_has_begun(came: bytes, interim: bool) -> None:
    assert _is_interim(came) is interim


async def secured(world: World, folder: Path, *, trusted: bool) -> str:
    """Put TLS before the service; its address."""
    file = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    await world.service.start(context)
    if trusted:
        trust = ssl.create_default_context(cafile=file)
        world.routes.state.proxy = Proxy(world.house, ssl_context=trust)
    url = f"https://127.0.0.1:{world.service.port}"
    world.add("safe", api_url=url)
    return url


async def test_an_early_answer_over_tls(world: World, tmp_path: Path) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        if call.all(b"authorization") == [b"Bearer at-1"]:
            assert await call.reader.readexactly(3) == b"abc"
            call.answer(401)
            await call.writer.drain()
            refused.set()
            await call.left()
        else:
            call.answer(200, await call.body())

    refused = asyncio.Event()
    world.service.handler = serve
    await secured(world, tmp_path, trusted=True)
    call = await world.ask("POST /proxy/safe/x", "Content-Length: 6", body=b"abc")
    await asyncio.wait_for(refused.wait(), WITHIN)
    call.say(b"def")
    assert (await call.head()).line == b"HTTP/1.1 200 OK"
    assert await call.body() == b"abcdef"


async def test_large_bodies_over_tls(world: World, tmp_path: Path) -> None:
    async def serve(call: Call) -> None:
        while True:
            await call.head()
            call.answer(200, await call.body())
            await call.writer.drain()

    world.service.handler = serve
    await secured(world, tmp_path, trusted=True)
    body = bytes(range(256)) * 12_000
    for _ in range(2):
        assert (await world.client.post("/proxy/safe/x", content=body)).content == body


async def test_a_service_that_nobody_vouches_for_gets_no_token(world: World, tmp_path: Path) -> None:
    async def serve(call: Call) -> None:
        raise AssertionError("nothing may be sent")

    world.service.handler = serve
    await secured(world, tmp_path, trusted=False)
    answer = await world.client.get("/proxy/safe/x")
    assert (answer.status_code, answer.json()["category"]) == (502, "NETWORK_ERROR")
    assert "certificate" in answer.json()["detail"].lower()
