from __future__ import annotations

import sqlite3

import pytest

from tests.daemon.routes.conftest import API, problem
from vestal.operations.overview import look, overview


async def test_one(api: API) -> None:
    await api.socket.post("/v1/credentials/alice/token")
    answer = await api.socket.get("/v1/credentials/alice")
    assert answer.status_code == 200
    told, known = answer.json(), overview(look(api.home, "alice"))
    assert told.pop("expires_in") - known.pop("expires_in") in (0, 1)
    assert told == known
    assert api.home.token("alice").access_token.reveal() not in answer.text


async def test_none(api: API) -> None:
    problem(await api.socket.get("/v1/credentials/nobody"), 404, "CONFIG_ERROR")


async def test_one_that_was_removed_meanwhile(api: API) -> None:
    await api.socket.get("/v1/credentials/alice")
    api.home.remove("alice")
    for _ in range(2):
        problem(await api.socket.get("/v1/credentials/alice"), 404, "CONFIG_ERROR")


async def test_all_in_pages(api: API) -> None:
    for name in ("bob", "carol/x"):
        api.add(name)
    first = (await api.socket.get("/v1/credentials", params={"limit": "2"})).json()
    assert [one["name"] for one in first["credentials"]] == ["alice", "bob"]
    assert "history" not in first["credentials"][0]
    rest = (await api.socket.get("/v1/credentials", params={"limit": "2", "after": first["next"]})).json()
    assert [one["name"] for one in rest["credentials"]] == ["carol/x"]
    assert rest["next"] is None


async def test_a_key_sees_its_own_only(api: API) -> None:
    api.add("acme/one")
    key = api.key(pattern="acme/*")
    assert [one["name"] for one in (await key.get("/v1/credentials")).json()["credentials"]] == ["acme/one"]
    problem(await key.get("/v1/credentials/alice"), 403, "PERMISSION_DENIED")


async def test_one_that_can_not_be_read_does_not_hide_the_others(api: API) -> None:
    api.add("bob")
    with sqlite3.connect(api.home.folder / "store.db") as db:
        db.execute("UPDATE credentials SET sealed = x'00' WHERE name = 'alice'")
    db.close()
    alice, bob = (await api.socket.get("/v1/credentials")).json()["credentials"]
    assert (alice["name"], alice["state"], bob["state"]) == ("alice", "error", "idle")
    assert alice["last_error"]["message"]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "5001", "1e3", "९", ""])
async def test_bad_limits(api: API, limit: str) -> None:
    problem(await api.socket.get("/v1/credentials", params={"limit": limit}), 422, "CONFIG_ERROR")
