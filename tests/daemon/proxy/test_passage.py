"""One request through the daemon, to a real server and back."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.daemon.proxy.conftest import Call, World


async def test_a_request_and_its_answer(world: World) -> None:
    seen: list[Call] = []

    async def serve(call: Call) -> None:
        seen.append(await call.head())
        call.answer(203, b"hello", b"X-Theirs: 1", b"Cache-Control: max-age=5", b"X-Theirs: 2")

    world.service.handler = serve
    answer = await world.client.get("/proxy/acme/v1/a%2Fb/c?q=%20x&y", headers={"X-Mine": "me"})
    assert (answer.status_code, answer.content) == (203, b"hello")
    assert answer.headers.get_list("x-theirs") == ["1", "2"]
    assert answer.headers["via"] == "1.1 vestal"
    assert answer.headers["cache-control"] == "max-age=5"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    (call,) = seen
    assert call.line == b"GET /v1/a%2Fb/c?q=%20x&y HTTP/1.1"
    assert call.all(b"host") == [b"127.0.0.1:%d" % world.service.port]
    assert call.all(b"authorization") == [b"Bearer at-1"]
    assert call.all(b"x-mine") == [b"me"]
    assert call.all(b"via") == [b"1.1 vestal"]
    assert world.house.counters.of("acme").gets == 1


async def test_redirects_are_not_followed(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        where = call.line.split(b"to=")[1].split()[0]
        call.answer(302, b"", b"Location: " + where)

    world.service.handler = serve

    async def led(where: str) -> str:
        answer = await world.client.get(f"/proxy/acme/a/b?to={where}")
        assert answer.status_code == 302
        return str(answer.headers["location"])

    assert await led("/v2/x?y") == "/proxy/acme/~/v2/x?y"
    assert await led("c") == "/proxy/acme/~/a/c"
    assert await led(world.service.url + "/z") == "/proxy/acme/~/z"
    assert await led("https://login.example/in") == "https://login.example/in"
    assert world.service.connections == 4


async def test_what_is_handed_out_is_written_down(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        call.answer(200)

    world.service.handler = serve
    with caplog.at_level(logging.INFO, "vestal.audit"):
        await world.client.get("/proxy/acme/secret-path?secret-query")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "vestal.audit"]
    host = f"127.0.0.1:{world.service.port}"
    assert line == f"proxied credential=acme version=1 to=robot from=127.0.0.1 host={host}"
    assert "secret" not in caplog.text
    assert "at-1" not in caplog.text


async def test_many_at_once(world: World) -> None:
    async def serve(call: Call) -> None:
        while True:
            await call.head()
            call.answer(200, call.line.split()[1])
            await call.writer.drain()

    world.service.handler = serve

    async def one(number: int) -> bool:
        answer = await world.client.get(f"/proxy/acme/{number}")
        return answer.content == b"/%d" % number

    assert all(await asyncio.gather(*map(one, range(200))))
    assert world.tokens.given == 1
