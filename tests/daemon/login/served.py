"""A daemon in this process, at a real TCP port, and a person with a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import uvicorn

from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.daemon.access import Access
from vestal.daemon.app import make_app
from vestal.daemon.connection import Connection
from vestal.daemon.house import House
from vestal.daemon.listening import tcp_socket
from vestal.daemon.logins import Logins
from vestal.home import Home
from vestal.oauth2.loopback import Loopback
from vestal.testing.practice import PracticeServer, log_in


class Daemon:
    """A daemon, and who asks it."""

    def __init__(self, house: House, server: uvicorn.Server, practice: PracticeServer, key: Secret) -> None:
        assert house.url is not None
        self.house, self.home, self.logins = house, house.home, house.logins
        self.url = house.url
        self.server, self.practice = server, practice
        self.client = httpx2.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {key.reveal()}"}, trust_env=False, timeout=30
        )

    def add(self, name: str = "mine", grant: str = "authorization_code", **settings: str) -> str:
        """A credential that a person has to log in to."""
        return add(self.home, self.practice, name, grant, **settings)

    def ask(self, name: str = "mine", **body: object) -> httpx2.Response:
        """Ask for a login."""
        return self.client.post(f"/v1/credentials/{name}/login", json=body or None)

    def start(self, name: str = "mine", **body: object) -> dict[str, Any]:
        """Start a login."""
        answer = self.ask(name, **body)
        assert answer.status_code == 202, answer.text
        started: dict[str, Any] = answer.json()
        assert started["state"] == "waiting"
        return started

    def look(self, started: dict[str, Any]) -> dict[str, Any]:
        """What is told of a login."""
        answer = self.client.get(f"/v1/logins/{started['id']}")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def ended(self, started: dict[str, Any]) -> dict[str, Any]:
        """The same, at its end."""
        wait_for(lambda: self.look(started)["state"] != "waiting")
        return self.look(started)

    def failed(self, started: dict[str, Any]) -> dict[str, Any]:
        """The problem with which it ended."""
        told = self.ended(started)
        assert (told["state"], told["version"]) == ("failed", None)
        problem: dict[str, Any] = told["error"]
        return problem

    def record(self, name: str = "mine") -> Credential:
        """The credential as the store has it."""
        return self.home.lifecycle.load(name)

    def counts(self, endpoint: str = "token") -> int:
        return self.practice.counters[f"requests.{endpoint}"]


def add(home: Home, practice: PracticeServer, name: str, grant: str = "authorization_code", **settings: str) -> str:
    """A credential at the practice server, without a token."""
    endpoints = {"token": "token", "authorize": "authorize", "device": "device_authorization"}
    addresses = {f"{what}_url": f"{practice.url}/{path}" for what, path in endpoints.items()}
    app = App(
        provider="custom",
        client_id="practice",
        client_secret=Secret("practice-secret"),
        grant=grant,
        scopes=("read",),
        settings={**addresses, **settings},
    )
    home.add(name, app)
    return name


def decide(address: str, *, allow: bool = True) -> str:
    """At the service: allow it or not. The address that the browser is sent back to."""
    return log_in(address, allow=allow, follow=False)


def browse(address: str) -> httpx2.Response:
    """What a browser without a session gets there."""
    return httpx2.get(address, trust_env=False, timeout=30)


def in_background(work: Callable[[], httpx2.Response]) -> Future[httpx2.Response]:
    """A browser that waits."""
    future: Future[httpx2.Response] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # shown by the test that asks for the result
            future.set_exception(error)

    threading.Thread(target=run).start()
    return future


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What the daemon has logged, and not the browser."""
    ours = [record for record in caplog.records if record.name.startswith(("vestal", "uvicorn", "asyncio"))]
    return "\n".join(f"{record.getMessage()} {record.exc_text}" for record in ours)


def redirect_of(started: dict[str, Any]) -> str:
    return _parameter(started, "redirect_uri")


def state_of(started: dict[str, Any]) -> str:
    return _parameter(started, "state")


def _parameter(started: dict[str, Any], name: str) -> str:
    (value,) = parse_qs(urlsplit(str(started["address"])).query)[name]
    return value


def free_port() -> int:
    with Loopback() as free:
        return free.port


def threads() -> list[str]:
    """Those that logins leave behind, if any."""
    return [each.name for each in threading.enumerate() if each.name.startswith(("vestal login", "vestal-login"))]


def wait_for(done: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.01)


@contextmanager
def served(folder: Path, practice: PracticeServer, **options: Any) -> Iterator[Daemon]:
    """A daemon that listens; stopped and closed at the end, whatever still goes on. `options` are those of `Logins`."""
    home = Home(folder)
    with tcp_socket("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        access = Access(home.folder, clock=home.clock)
        house = House(home, access, url=url)
        if options:
            house.logins = Logins(home, url, **options)
        key = access.add("boss", ["*"], ["token", "refresh", "admin"])
        config = uvicorn.Config(
            make_app(house), http=Connection, ws="none", log_config=None, access_log=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        daemon = Daemon(house, server, practice, key)
        try:
            yield daemon
        finally:
            daemon.client.close()
            practice.faults.clear()
            practice.faults.release()
            house.drain()
            server.should_exit = True
            thread.join()
            house.logins.close()
            house.close()
            home.close()
