"""The API over a real home and the practice server, asked in this process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.daemon.app import make_app
from vestal.daemon.auth import PEER
from vestal.daemon.house import House
from vestal.home import Home
from vestal.testing.practice import PracticeServer

URL = "http://127.0.0.1:8378"


class API:
    """A house, and clients at its two doors."""

    def __init__(self, house: House, server: PracticeServer) -> None:
        self.house = house
        self.home = house.home
        self.server = server
        self.app: Any = make_app(house)
        self.socket = httpx2.AsyncClient(transport=httpx2.ASGITransport(self._as_user), base_url="http://vestal")
        """A process of our own user on the Unix socket."""
        self.tcp = self.client()
        """Somebody without a key on TCP."""

    async def _as_user(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app({**scope, "extensions": {PEER: {"uid": os.geteuid()}}}, receive, send)

    def client(self, key: Secret | None = None, host: str = "127.0.0.1") -> httpx2.AsyncClient:
        """Somebody on TCP."""
        headers = {} if key is None else {"Authorization": f"Bearer {key.reveal()}"}
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self.app, client=(host, 4711)), base_url=URL, headers=headers
        )

    def key(self, *actions: str, pattern: str = "*", name: str = "robot") -> httpx2.AsyncClient:
        """Somebody on TCP with a key of that kind."""
        return self.client(self.house.access.add(name, [pattern], actions))

    def add(self, name: str) -> None:
        """A credential with a refresh token of the practice server."""
        app = App(
            provider="custom",
            client_id="practice",
            client_secret=Secret("practice-secret"),
            settings={"token_url": f"{self.server.url}/token"},
        )
        self.home.add(name, app, Secret(self.server.issue_refresh_token("practice")))


@pytest.fixture(scope="session")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture
async def api(tmp_path: Path, practice: PracticeServer) -> AsyncIterator[API]:
    practice.faults.clear()
    home = Home(tmp_path / "home")
    house = House(home)
    api = API(house, practice)
    api.add("alice")
    yield api
    await api.socket.aclose()
    await api.tcp.aclose()
    house.close()
    home.close()


def problem(answer: httpx2.Response, status: int, category: str) -> dict[str, Any]:
    """The problem of an answer, checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert set(told) - {"reason"} == {
        "type",
        "title",
        "status",
        "detail",
        "category",
        "retry_after",
        "remedy",
        "credential",
    }
    assert (told["status"], told["category"]) == (status, category)
    assert told["detail"]
    return told
