"""Whose token a path gets, and who may have it."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from tests.daemon.proxy.conftest import Call, World


async def echo(call: Call) -> None:
    while True:
        await call.head()
        call.answer(200, b"%b %b" % (call.line.split()[1], call.all(b"authorization")[0]))
        await call.writer.drain()


@pytest.fixture
async def world(world: World) -> World:
    world.service.handler = echo
    for name in ("acme/bot", "acme/bot/installation/42"):
        world.add(name)
    return world


async def key(world: World, *patterns: str, actions: tuple[str, ...] = ("token",)) -> httpx2.AsyncClient:
    made = await asyncio.to_thread(world.house.access.add, "limited", patterns, actions)
    return world.client_with(made.reveal())


@pytest.mark.parametrize(
    ("path", "name", "sent"),
    [
        ("acme/v1/me", "acme", "/v1/me"),
        ("acme/bot/v1/me", "acme/bot", "/v1/me"),
        ("acme/bot/installation/42/repos/x", "acme/bot/installation/42", "/repos/x"),
        ("acme/bot/installation/43/repos", "acme/bot", "/installation/43/repos"),
        ("acme/~/bot/v1", "acme", "/bot/v1"),
        ("acme/bot/~/~alice?x=1", "acme/bot", "/~alice?x=1"),
        ("acme/users/~alice/repos", "acme", "/users/~alice/repos"),
        ("acme", "acme", "/"),
        ("acme/", "acme", "/"),
        ("acme/bot/~", "acme/bot", "/"),
        ("acme%2Fbot/~/x", "acme/bot", "/x"),
        ("acme/~/a%0Ab//%7e", "acme", "/a%0Ab//%7e"),
    ],
)
async def test_the_longest_name_that_there_is(world: World, path: str, name: str, sent: str) -> None:
    answer = await world.client.get(f"/proxy/{path}")
    assert answer.text == f"{sent} Bearer at-1"
    assert world.house.counters.of(name).gets == 1


async def test_another_host_of_the_credential(world: World) -> None:
    here = f"127.0.0.1:{world.service.port}"
    world.add("two", api_url=f"https://first.example {world.service.url}/api")
    assert (await world.client.get(f"/proxy/two/~{here}/api/x")).text == "/api/x Bearer at-1"
    for path in (f"two/~{here}/admin", f"two/~{here}/api/../admin", "two/~evil.example/x", f"acme/~{here}.evil/x"):
        answer = await world.client.get(
            httpx2.URL("http://127.0.0.1", port=world.port, raw_path=b"/proxy/" + path.encode())
        )
        assert answer.status_code in (400, 422), path
        assert "via" not in answer.headers
    assert world.tokens.given == 1


async def test_nobody_gets_what_is_not_theirs(world: World) -> None:
    async with world.client_with("vestal_none_such") as stranger:
        assert (await stranger.get("/proxy/acme/x")).status_code == 401
    async with httpx2.AsyncClient(base_url=world.client.base_url) as stranger:
        assert (await stranger.get("/proxy/acme/x")).status_code == 401
    async with await key(world, "*", actions=("refresh", "admin")) as client:
        for path in ("acme/x", "acme/~/x", "nobody/x", "acme/~evil.example/x"):
            assert (await client.get(f"/proxy/{path}")).status_code == 403
    assert world.service.connections == 0
    assert world.tokens.given == 0


async def test_a_key_for_one_credential(world: World) -> None:
    async with await key(world, "acme/bot") as client:
        assert (await client.get("/proxy/acme/bot/x")).text == "/x Bearer at-1"
        assert (await client.get("/proxy/acme/~/x")).status_code == 403
        assert (await client.get("/proxy/others/~/x")).status_code == 403, "no word on whether there is one"
        assert (await client.get("/proxy/acme/bot/installation/42/x")).text == "/installation/42/x Bearer at-1"


async def test_a_key_of_ours_goes_no_further(world: World) -> None:
    """Not even where the client says that it is for this hop only."""
    seen: list[Call] = []

    async def serve(call: Call) -> None:
        seen.append(await call.head())
        call.answer(200)

    world.service.handler = serve
    headers = {
        "Connection": "authorization, x-secret",
        "X-Secret": "1",
        "Proxy-Authorization": "Basic x",
        "Cookie": "vestal_session=x; a=b",
        "DPoP": "proof",
        "TE": "trailers",
        "Keep-Alive": "timeout=5",
    }
    await world.client.get("/proxy/acme/x", headers=headers)
    (call,) = seen
    assert call.all(b"authorization") == [b"Bearer at-1"]
    assert call.all(b"cookie") == [b"a=b"]
    gone = {b"x-secret", b"proxy-authorization", b"dpop", b"te", b"keep-alive", b"connection"}
    assert not gone & {name for name, _ in call.headers}
    assert world.key.encode() not in b"".join(value for _, value in call.headers)


async def test_all_methods(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        call.answer(200, call.line.split()[0])

    world.service.handler = serve
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert (await world.client.request(method, "/proxy/acme/x")).text == method
    for method in ("TRACE", "CONNECT", "BREW"):
        answer = await world.ask(f"{method} /proxy/acme/x")
        assert (await answer.head()).line.startswith(b"HTTP/1.1 405")


async def test_an_upgrade_is_a_gateways_work(world: World) -> None:
    upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA=="]
    call = await world.ask("GET /proxy/acme/x", *upgrade)
    assert (await call.head()).line.startswith(b"HTTP/1.1 501")
    assert b"gateway" in await call.body()
    assert world.service.connections == 0
