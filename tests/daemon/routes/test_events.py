"""The stream over a real server on a Unix socket: what ends it matters."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn

from tests.daemon.routes.conftest import API, problem
from vestal.core.events import Event, Kind
from vestal.daemon.broadcast import Numbered
from vestal.daemon.connection import Connection
from vestal.daemon.house import House
from vestal.daemon.limits import Limits
from vestal.daemon.routes.events import as_text


@asynccontextmanager
async def served(api: API, path: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, uvicorn.Server]]:
    """The API at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        config = uvicorn.Config(
            api.app, http=Connection, ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=20
        )
        server = uvicorn.Server(config)
        running = asyncio.create_task(server._serve([bound]))
        while not server.started:
            await asyncio.sleep(0.01)
        transport = httpx2.AsyncHTTPTransport(uds=str(path))
        async with httpx2.AsyncClient(transport=transport, base_url="http://vestal", timeout=30) as client:
            yield client, server
            server.should_exit = True
            api.house.drain()
        await running


async def next_event(lines: AsyncIterator[str]) -> dict[str, Any]:
    """The next event, without heartbeats."""
    found: dict[str, Any] = {}
    async for line in lines:
        if not line and "data" in found:
            return found
        name, _, value = line.partition(":")
        if name:
            found[name] = json.loads(value) if name == "data" else value.strip()
    raise AssertionError("the stream has ended")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


async def test_a_refresh_is_seen(api: API, path: Path) -> None:
    async with served(api, path) as (client, _), client.stream("GET", "/v1/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.aiter_lines()
        assert (await client.post("/v1/credentials/alice/token")).status_code == 200
        seen = [await next_event(lines) for _ in range(8)]
    kinds = [event["event"] for event in seen]
    assert kinds[0] == "lease_taken"
    assert kinds[-1] == "refreshed"
    assert [int(event["id"]) for event in seen] == sorted(int(event["id"]) for event in seen)
    assert {event["data"]["credential"] for event in seen} == {"alice"}
    assert api.home.token("alice").access_token.reveal() not in json.dumps(seen)


async def test_it_ends_when_the_daemon_drains(api: API, path: Path) -> None:
    async with served(api, path) as (client, server), client.stream("GET", "/v1/events") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == ": welcome"
        api.house.drain()
        server.should_exit = True
        assert [line async for line in lines] == [""]  # whole, not cut off
    assert api.house.broadcast.listeners == 0


async def test_a_client_that_goes_is_forgotten(api: API, path: Path) -> None:
    async with served(api, path) as (client, _):
        async with client.stream("GET", "/v1/events") as stream:
            await anext(stream.aiter_lines())
            assert api.house.broadcast.listeners == 1
        async with asyncio.timeout(10):
            while api.house.broadcast.listeners:
                await asyncio.sleep(0.01)


async def test_who_comes_back_hears_what_it_missed(api: API, path: Path) -> None:
    for number in range(3):
        api.home.lifecycle.emit(Kind.CHANGED, "alice", n=number)
    headers = {"Last-Event-ID": "1"}
    async with served(api, path) as (client, _), client.stream("GET", "/v1/events", headers=headers) as stream:
        lines = stream.aiter_lines()
        assert [(await next_event(lines))["data"]["data"]["n"] for _ in range(2)] == [1, 2]


async def test_a_key_hears_of_its_own_only(api: API, path: Path) -> None:
    key = api.house.access.add("acme", ["acme/*"], [])
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    async with served(api, path) as (client, _), client.stream("GET", "/v1/events", headers=headers) as stream:
        api.home.lifecycle.emit(Kind.CHANGED, "alice")
        api.home.lifecycle.emit(Kind.CHANGED, "acme/one")
        assert (await next_event(stream.aiter_lines()))["data"]["credential"] == "acme/one"


async def test_only_one_credential(api: API, path: Path) -> None:
    query = {"credential": "bob"}
    async with served(api, path) as (client, _), client.stream("GET", "/v1/events", params=query) as stream:
        for name in ("alice", "bob"):
            api.home.lifecycle.emit(Kind.CHANGED, name)
        assert (await next_event(stream.aiter_lines()))["data"]["credential"] == "bob"


async def test_signs_of_life(api: API, path: Path) -> None:
    quick = API(House(api.home, limits=Limits(heartbeat=0.01)), api.server)
    async with served(quick, path) as (client, _), client.stream("GET", "/v1/events") as stream:
        lines = stream.aiter_lines()
        assert [await anext(lines) for _ in range(5)] == [": welcome", "", ":", "", ":"]
    quick.house.close()
    await quick.socket.aclose()
    await quick.tcp.aclose()


async def test_it_ends_with_the_key(api: API, path: Path) -> None:
    quick = API(House(api.home, limits=Limits(heartbeat=0.01)), api.server)
    key = quick.house.access.add("leaver", ["*"], [])
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    async with served(quick, path) as (client, _), client.stream("GET", "/v1/events", headers=headers) as stream:
        lines = stream.aiter_lines()
        assert [await anext(lines) for _ in range(3)] == [": welcome", "", ":"]
        quick.house.access.revoke("leaver")
        async with asyncio.timeout(10):
            assert {line async for line in lines} <= {"", ":"}
    quick.house.close()
    await quick.socket.aclose()
    await quick.tcp.aclose()


async def test_too_many_listeners(api: API) -> None:
    few = API(House(api.home, limits=Limits(listeners=0)), api.server)
    answer = await few.socket.get("/v1/events")
    problem(answer, 503, "CIRCUIT_OPEN")
    few.house.close()
    await few.socket.aclose()
    await few.tcp.aclose()


def test_text_can_not_make_events() -> None:
    event = Event(Kind.REFRESH_FAILED, "alice", 0.0, {"message": "a\n\nevent: refreshed\r\ndata: {}"})
    lines = as_text(Numbered(7, event)).decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["id", "event", "data", ""]
