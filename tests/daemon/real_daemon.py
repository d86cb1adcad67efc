"""The daemon as people run it: `vestal start` on a home of its own, with the practice server as the service."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2

from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.daemon.access import Access
from vestal.daemon.process.logs import log_file
from vestal.daemon.process.pid_file import Running
from vestal.daemon.process.start import Options, start
from vestal.daemon.process.stop import stop
from vestal.home import Home
from vestal.testing.practice import PracticeServer

STEERED = [sys.executable, str(Path(__file__).with_name("steered_daemon.py"))]
"""The daemon with what tests want otherwise."""


class RealDaemon:
    """A home whose daemon is started, asked and killed."""

    def __init__(self, folder: Path, server: PracticeServer, *, command: Sequence[str] | None = None) -> None:
        """`command` runs another program than `vestal serve`."""
        self.folder = folder
        self.server = server
        self.home = Home(folder, environ={})
        self.running: Running | None = None
        self._command = command
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith(("VESTAL", "NOTIFY"))}

    def add(self, name: str, *, grant: str = "refresh_token", **settings: str) -> str:
        """A credential of the practice server without an access token yet; its refresh token, "" for a grant without."""
        app = App(
            provider="custom",
            client_id="practice",
            client_secret=Secret("practice-secret"),
            grant=grant,
            settings={"token_url": f"{self.server.url}/token", **settings},
        )
        refresh_token = self.server.issue_refresh_token("practice") if grant != "client_credentials" else ""
        self.home.add(name, app, Secret(refresh_token) if refresh_token else None, over=True)
        return refresh_token

    def key(self, name: str, *actions: str, pattern: str = "*") -> Secret:
        """An API key. The daemon knows it within a second."""
        access = Access(self.folder)
        try:
            return access.add(name, [pattern], actions)
        finally:
            access.close()

    def start(self, *, tcp: bool = False, level: str = "info", **environ: str) -> Running:
        """Start it; it answers when this returns."""
        options = Options(tcp=("127.0.0.1", 0) if tcp else None, log_level=level)
        self.running = start(self.folder, options, command=self._command, environ={**self._environ, **environ})
        return self.running

    def kill(self) -> None:
        """SIGKILL. It is gone when this returns."""
        assert self.running is not None
        os.kill(self.running.pid, signal.SIGKILL)
        self.killed()

    def killed(self) -> None:
        """Wait until SIGKILL has ended it, by itself or by us."""
        assert self.running is not None
        _, status = os.waitpid(self.running.pid, 0)
        self.running = None
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL

    def stop(self) -> None:
        """End it, if it runs."""
        if self.running is not None:
            stop(self.folder, timeout=30)
            os.waitpid(self.running.pid, 0)
            self.running = None

    @property
    def socket(self) -> str:
        assert self.running is not None
        return self.running.socket

    @property
    def port(self) -> int:
        assert self.running is not None
        assert self.running.tcp is not None
        return self.running.tcp[1]

    @contextmanager
    def client(self, key: Secret | None = None, *, tcp: bool = False, timeout: float = 60) -> Iterator[httpx2.Client]:
        """A client on the socket, or over TCP."""
        headers = {} if key is None else {"Authorization": f"Bearer {key.reveal()}"}
        transport = httpx2.HTTPTransport(uds=None if tcp else self.socket)
        url = f"http://127.0.0.1:{self.port}" if tcp else "http://localhost"
        with httpx2.Client(transport=transport, base_url=url, headers=headers, timeout=timeout) as client:
            yield client

    def ask(self, name: str, timeout: float = 60, **asked: Any) -> httpx2.Response:
        """Ask for a token, on the socket."""
        with self.client(timeout=timeout) as client:
            return client.post(f"/v1/credentials/{name}/token", json=asked)

    def credential(self, name: str) -> Credential:
        return self.home.lifecycle.load(name)

    def accepted(self, access_token: str) -> bool:
        """Whether the protected resource takes a token."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return httpx2.get(f"{self.server.url}/resource", headers=headers).status_code == 200

    def log(self) -> str:
        """All that it has written down, in both files."""
        files = [log_file(self.folder, errors=errors) for errors in (False, True)]
        return "".join(file.read_text("utf-8") for file in files if file.exists())

    def close(self) -> None:
        """Kill it if it still runs."""
        if self.running is not None:
            with suppress(ChildProcessError, AssertionError):  # it has ended by itself
                self.kill()
        self.home.close()
