from __future__ import annotations

import vestal
from tests.daemon.routes.conftest import API, problem


async def test_it_lives(api: API) -> None:
    answer = await api.tcp.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "version": vestal.__version__})


async def test_it_is_ready_until_it_drains(api: API) -> None:
    assert (await api.tcp.get("/readyz")).json()["ready"] is True
    api.house.drain()
    problem(await api.tcp.get("/readyz"), 503, "CIRCUIT_OPEN")


async def test_it_is_not_ready_without_its_store(api: API) -> None:
    api.home.store.close()
    path = api.home.folder / "store.db"
    path.write_bytes(b"no database at all, but long enough to look at" * 100)
    for side in ("store.db-wal", "store.db-shm"):
        (api.home.folder / side).unlink(missing_ok=True)
    told = problem(await api.tcp.get("/readyz"), 422, "CONFIG_ERROR")
    assert str(api.home.folder) not in str(told), "strangers are told no paths"
    assert str(path) in problem(await api.socket.get("/readyz"), 422, "CONFIG_ERROR")["detail"]
