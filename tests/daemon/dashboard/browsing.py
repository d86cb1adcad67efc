"""Looking at a real daemon with a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.daemon.daemons import wait_for
from vestal.client.address import Address
from vestal.client.exchange import exchange
from vestal.core.credential import App, LastError
from vestal.core.secret import Secret
from vestal.daemon.process.pid_file import PidFile
from vestal.home import Home
from vestal.testing.practice import PracticeServer

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MANY = 57
"""Credentials that nobody has asked for yet, `many/000` and so on."""

LONG = "a-very-long-name-of-an-organisation/with-parts/" + "and-more-" * 15 + "end"


class Daemon:
    """`vestal serve` as a process of its own, over TCP and its socket."""

    def __init__(self, folder: Path, practice: PracticeServer) -> None:
        self.folder = folder / "home"
        self.practice = practice
        self._furnish()

    def __enter__(self) -> Self:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("VESTAL", "NOTIFY"))}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vestal.cli", "serve", "--tcp", "127.0.0.1:0", "--log-level", "warning"],
            env={**environ, "VESTAL_HOME": str(self.folder)},
            stdin=subprocess.DEVNULL,
        )
        file = PidFile(self.folder)

        def running() -> bool:
            assert self._process.poll() is None
            told = file.read()
            return told is not None and told.state == "running"

        wait_for(running)
        told = file.read()
        assert told is not None
        self.socket, self.url = told.socket, told.url
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()

    def ask(self, method: str, path: str) -> Any:
        """Ask at the Unix socket, as a program does; the answer's JSON."""
        answer = exchange(Address(path=self.socket), method, path)
        assert answer.status < 300, answer.status
        return json.loads(answer.body.reveal())

    def status(self, method: str, path: str) -> int:
        """The status of an answer."""
        return exchange(Address(path=self.socket), method, path).status

    def link(self) -> str:
        """What `vestal open` prints."""
        url: str = self.ask("POST", "/v1/sessions")["url"]
        return url

    def _furnish(self) -> None:
        home = Home(self.folder)
        for name in ("alice", "team/bob", LONG):
            home.add(name, self._app(), Secret(self.practice.issue_refresh_token("practice")))
        home.add("newcomer", self._app())
        home.add("robot/nightly", self._app("client_credentials"))
        for number in range(MANY):
            home.add(f"many/{number:03}", self._app("client_credentials"))
        home.add("broken", self._app(), Secret("a refresh token that was revoked"))
        broken = home.lifecycle.load("broken")
        error = LastError(
            category="NEEDS_LOGIN",
            message="the service refused the refresh token",
            at=home.clock.now(),
            remedy="log in again: vestal login broken",
            reason="refused",
        )
        home.store.save(broken.__class__(**{**_fields(broken), "last_error": error}))
        home.close()

    def _app(self, grant: str = "authorization_code") -> App:
        return App(
            provider="custom",
            client_id="practice",
            client_secret=Secret("practice-secret"),
            grant=grant,
            settings={
                "token_url": f"{self.practice.url}/token",
                "authorize_url": f"{self.practice.url}/authorize",
                "device_url": f"{self.practice.url}/device_authorization",
            },
        )


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


class Visit:
    """One browser's visit. Errors on its console are collected, and there are none at its end."""

    def __init__(self, browser: Browser, daemon: Daemon, **options: Any) -> None:
        self.daemon = daemon
        self._context = browser.new_context(base_url=daemon.url, **options)
        self._complaints: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._complaints.append(str(error)))

    def __enter__(self) -> Self:
        self.page.goto(self.daemon.link())
        self.page.wait_for_url("**/dashboard")
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        self._context.close()
        if kind is None:
            assert self._complaints == []

    def expected(self, text: str) -> None:
        """This complaint is as it should be."""
        found = [each for each in self._complaints if text in each]
        assert found, self._complaints
        for each in found:
            self._complaints.remove(each)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(message.text)


def live(page: Page) -> None:
    """Wait until the page hears of events."""
    page.locator("#live.on").wait_for()
