"""With the practice server as the service: its tokens, bound ones as well, at its own resource."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.daemon.proxy.conftest import World
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.http import HTTPSender
from vestal.testing.practice import PracticeServer, Settings


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, HTTPSender())
    await made.start()
    yield made
    await made.stop()


def add(world: World, server: PracticeServer, **settings: str) -> str:
    """A credential; its refresh token."""
    app = App(
        provider="custom",
        client_id="practice",
        client_secret=Secret("practice-secret"),
        settings={"token_url": f"{server.url}/token", "api_url": server.url, **settings},
    )
    refresh_token = server.issue_refresh_token("practice")
    world.home.add("practice", app, Secret(refresh_token))
    return refresh_token


async def test_a_revoked_token_is_replaced(world: World) -> None:
    with PracticeServer() as server:
        add(world, server)
        for _ in range(2):
            assert (await world.client.get("/proxy/practice/~/resource")).status_code == 200
        server.revoke_access_tokens()
        answer = await world.client.post("/proxy/practice/~/resource", content=b"x" * 1000)
        assert answer.status_code == 200, answer.text
        assert world.house.home.token("practice").version == 2


async def test_a_bound_token_has_a_proof_each_time_with_the_nonce_that_is_wanted(world: World) -> None:
    with PracticeServer(Settings(dpop_nonce=True)) as server:
        add(world, server, dpop="true")
        for _ in range(2):
            answer = await world.client.post("/proxy/practice/resource?x=1", content=b"x")
            assert answer.status_code == 200, answer.text
        server.renew_dpop_nonce()
        answer = await world.client.put("/proxy/practice/resource", content=b"x")
        assert answer.status_code == 200, answer.text
        assert world.house.home.token("practice").scheme == "DPoP"
        assert world.house.home.token("practice").version == 1


async def test_a_refused_login_is_told_and_nothing_is_sent(world: World) -> None:
    with PracticeServer() as server:
        server.revoke_family(add(world, server))
        answer = await world.client.get("/proxy/practice/~/resource")
        assert (answer.status_code, answer.json()["category"]) == (409, "NEEDS_LOGIN")
        assert answer.json()["credential"] == "practice"
        assert "via" not in answer.headers
        assert server.counters["resource.401"] == 0
