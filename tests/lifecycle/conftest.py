"""A practice server, a home with a real store file, and worker processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from vestal.core.credential import App, Credential, State, state
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.testing.practice import PracticeServer, Settings

WORKER = Path(__file__).with_name("worker.py")
NAME = "practice"
PATIENCE = 60.0
"""Seconds after which a worker that says nothing is taken for stuck. Not a limit on how long it may take."""


@dataclass
class Worker:
    """A real process that works on the home's credential."""

    process: subprocess.Popen[str]
    out: IO[str] = field(init=False)

    def __post_init__(self) -> None:
        assert self.process.stdout is not None
        self.out = self.process.stdout

    def wait_until_ready(self) -> None:
        assert self.out.readline() == "ready\n"

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def report(self) -> dict[str, Any]:
        """What it says in the end. It must end well."""
        text, _ = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, f"a worker ended with {self.process.returncode}: {text}"
        report: dict[str, Any] = json.loads(text.splitlines()[-1])
        return report

    def killed(self) -> None:
        """Wait until it has been killed by SIGKILL, by itself or by us."""
        self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == -9, f"the worker was to be killed, and ended with {self.process.returncode}"

    def kill(self) -> None:
        self.process.kill()
        self.killed()


@dataclass
class House:
    """One server, one folder, one credential."""

    server: PracticeServer
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    homes: list[Home] = field(default_factory=list)
    refresh_token: str = ""

    def home(self, **options: Any) -> Home:
        """A view of the folder as a fresh process would have it."""
        home = Home(self.folder, **options)
        self.homes.append(home)
        return home

    def add(self, *, refresh_token: bool = True, settings: Mapping[str, str] | None = None, **app: Any) -> Credential:
        """The credential `practice`: a refresh token and no access token yet, which counts as an expired one."""
        if refresh_token:
            self.refresh_token = self.server.issue_refresh_token("practice")
        values: dict[str, Any] = {
            "provider": "custom",
            "client_id": "practice",
            "client_secret": Secret("practice-secret"),
            "grant": "refresh_token",
            "settings": {"token_url": f"{self.server.url}/token", **(settings or {})},
        }
        return self.home().add(
            NAME, App(**{**values, **app}), Secret(self.refresh_token) if refresh_token else None, over=True
        )

    def worker(self, *arguments: str, **environment: str) -> Worker:
        """Start a worker and wait until it has loaded everything."""
        process = subprocess.Popen(
            [sys.executable, str(WORKER), str(self.folder), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        worker = Worker(process)
        self.workers.append(worker)
        worker.wait_until_ready()
        return worker

    def credential(self) -> Credential:
        return self.home().lifecycle.load(NAME)

    def state(self) -> State:
        """What people are told of the credential, from its record and from whether somebody works on it."""
        home = self.home()
        credential = home.lifecycle.load(NAME)
        return state(credential, now=home.clock.now(), leased=home.store.leased(NAME))

    @property
    def sent(self) -> int:
        """How many requests came to the token endpoint: while there has been one refresh token only, how often it came."""
        return self.server.counters["requests.token"]

    @property
    def redemptions(self) -> int:
        return self.server.counters["redemptions"]

    def accepted(self, access_token: str) -> bool:
        """Whether the protected resource takes a token."""
        import httpx2

        answer = httpx2.get(f"{self.server.url}/resource", headers={"Authorization": f"Bearer {access_token}"})
        return answer.status_code == 200


@pytest.fixture
def make_house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Houses with servers of given settings; everything is stopped at the end."""
    with contextlib.ExitStack() as stack:
        count = 0

        def make(**settings: Any) -> House:
            nonlocal count
            count += 1
            server = stack.enter_context(PracticeServer(Settings(**settings)))
            house = House(server, tmp_path / f"home{count}")
            stack.callback(close, house)
            return house

        yield make


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """A house with a server that rotates, detects reuse, and has no grace."""
    return make_house()


def close(house: House) -> None:
    for worker in house.workers:
        if worker.process.poll() is None:
            worker.process.kill()
        with contextlib.suppress(ValueError):
            worker.process.communicate()
    for home in house.homes:
        home.close()
