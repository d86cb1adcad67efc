"""A daemon with credentials of a practice server, a service that takes its tokens, and gateways between the two."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.cli.conftest import age
from tests.daemon.daemons import wait_for
from tests.doors.conftest import House
from tests.doors.guarded import certificate
from tests.doors.programs import needs
from tests.gateways.gateways import KINDS, Addresses, Kind
from tests.gateways.running import Gateway, running
from tests.gateways.upstream import Upstream
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.runtime import socket_path
from vestal.testing.practice import PracticeServer

OTHERS = ("acme/admin", "admin", "a")
"""Credentials that nobody is to get by way of a gateway that is there for `acme`. The key is good for them as well."""


class Daemon:
    """A daemon that is called `gateway.example.com` as well, which can be started again at the same port."""

    def __init__(self, house: House) -> None:
        self._command = house.cli.command("serve", "--host-name", "gateway.example.com", "--tcp")
        self._environment = house.cli.environment
        self._file = house.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def log(self) -> str:
        """All that it has written."""
        return self._file.read_text() if self._file.exists() else ""

    def start(self) -> None:
        before = self.log.count("listening at")
        with self._file.open("ab") as log:
            command = [*self._command, f"127.0.0.1:{self.port}"]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, env=self._environment)
        self._process = process
        wait_for(lambda: process.poll() is not None or self.log.count("listening at") > before)
        assert process.poll() is None, self.log
        line = next(line for line in self.log.splitlines() if "listening at" in line)
        self.port = int(line.rpartition(":")[2])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


@dataclass
class Place:
    """What all tests of a run share."""

    house: House
    second: PracticeServer
    """For `brief`: what its tokens are like does not concern the others."""
    upstream: Upstream
    addresses: Addresses
    daemon: Daemon
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def token(self, name: str = "acme") -> str:
        """The present token."""
        return self.house.cli("token", name).out.strip()

    def add(self, name: str, server: PracticeServer) -> str:
        """Another credential; its name."""
        _add(self.house, name, server, server.issue_refresh_token("practice"))
        return name

    def start(self, kind: Kind, **changed: Any) -> AbstractContextManager[Gateway]:
        """A gateway, with other addresses if they are given."""
        folder = self.house.folder / f"{kind}-{next(self._numbers)}"
        return running(kind, replace(self.addresses, **changed), folder)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("gateways")
    with ExitStack() as stack:
        server, second = (stack.enter_context(PracticeServer()) for _ in range(2))
        second.settings.access_token_lifetime = 3600
        house = House(folder, server)
        for name in (*OTHERS, "old"):
            _add(house, name, server, server.issue_refresh_token("practice"))
        _add(house, "brief", second, second.issue_refresh_token("practice"))
        _add(house, "lost", server, "unknown")
        house.cli("token", "old")
        age(house.cli, "old", 7200)
        key = house.cli("key", "add", "gateway", "--credential", "*", "--action", "token").out.strip()
        trusted = certificate(folder)
        upstream = stack.enter_context(Upstream([server.url, second.url], trusted))
        daemon = Daemon(house)
        stack.callback(daemon.stop)
        daemon.start()
        path = socket_path(house.cli.folder, house.environment)
        yield Place(house, second, upstream, Addresses(daemon.port, path, upstream.port, trusted, key), daemon)


def _add(house: House, name: str, server: PracticeServer, refresh_token: str) -> None:
    home = house.cli.home()
    settings = {"token_url": f"{server.url}/token"}
    secret = Secret("practice-secret")
    home.add(
        name,
        App(provider="custom", client_id="practice", client_secret=secret, settings=settings),
        Secret(refresh_token),
    )
    home.close()


@pytest.fixture(scope="module", params=[pytest.param(kind, marks=needs(kind.program)) for kind in KINDS], ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    made: Kind = request.param
    return made


@pytest.fixture(scope="module")
def gateway(place: Place, kind: Kind) -> Iterator[Gateway]:
    """One that runs as it is shipped."""
    with place.start(kind) as gateway:
        yield gateway
