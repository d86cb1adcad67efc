"""Crowds that ask for tokens at once: one mint for each installation, whoever asks, counted at the stub."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from tests.github.stub.apps import App
from tests.github.stub.server import Stub
from vestal.home import Home
from vestal.services.github.api import AsyncGitHubAPIClient, GitHubAPIClient

THREADS = 64
ROOT = Path(__file__).parents[2]


class Crowd:
    """Accounts with one installation each, and their repositories."""

    def __init__(self, stub: Stub, accounts: int, each: int, *, selected: bool = False) -> None:
        self.app: App = stub.add_app()
        self.stub = stub
        self.repositories: list[str] = []
        for n in range(accounts):
            names = [f"org{n:02}/repo{m:02}" for m in range(each)]
            for name in names:
                stub.add_repository(name, private=True)
            stub.install(self.app, f"org{n:02}", names if selected else None)
            self.repositories += names

    @property
    def mints(self) -> list[int]:
        return [installation.mints for installation in self.stub.apps.installations.values()]

    @property
    def lookups(self) -> int:
        return sum(entry.path.endswith("/installation") for entry in self.stub.log)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=0) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home", environ={})
    yield made
    made.close()


def pair(name: str) -> tuple[str, str]:
    owner, _, repo = name.partition("/")
    return owner, repo


def by_threads(crowd: Crowd, home: Home, repositories: list[str]) -> set[str]:
    """The tokens that 64 threads get, starting together."""
    start = Barrier(THREADS)
    shares = [repositories[n::THREADS] or repositories[:1] for n in range(THREADS)]
    with (
        GitHubAPIClient(crowd.app.id, crowd.app.private_key, base_url=crowd.stub.url, home=home, environ={}) as github,
        ThreadPoolExecutor(THREADS) as pool,
    ):

        def ask(share: list[str]) -> list[str]:
            start.wait()
            return [github.get_installation_token(*pair(name)) for name in share]

        return {token for tokens in pool.map(ask, shares) for token in tokens}


def by_tasks(crowd: Crowd, home: Home, repositories: list[str]) -> set[str]:
    """The tokens that as many tasks get as there are repositories."""

    async def ask_all() -> set[str]:
        async with AsyncGitHubAPIClient(
            crowd.app.id, crowd.app.private_key, base_url=crowd.stub.url, home=home, environ={}
        ) as github:
            asked = (github.get_installation_token(*pair(name)) for name in repositories)
            return set(await asyncio.gather(*asked))

    return asyncio.run(ask_all())


@pytest.mark.parametrize("by", [by_threads, by_tasks])
def test_fifty_repositories_in_one_installation_take_one_mint(stub: Stub, home: Home, by: type) -> None:
    crowd = Crowd(stub, 1, 50)
    tokens: set[str] = by(crowd, home, crowd.repositories)
    assert (len(tokens), crowd.mints, crowd.lookups) == (1, [1], 1)


@pytest.mark.parametrize("by", [by_threads, by_tasks])
def test_fifty_selected_repositories_take_one_mint_and_one_lookup_each(stub: Stub, home: Home, by: type) -> None:
    crowd = Crowd(stub, 1, 50, selected=True)
    tokens: set[str] = by(crowd, home, crowd.repositories * 2)
    assert (len(tokens), crowd.mints, crowd.lookups) == (1, [1], 50)


@pytest.mark.parametrize("by", [by_threads, by_tasks])
def test_two_hundred_repositories_in_twenty_installations_take_twenty_mints(stub: Stub, home: Home, by: type) -> None:
    crowd = Crowd(stub, 20, 10)
    tokens: set[str] = by(crowd, home, crowd.repositories)
    assert (len(tokens), crowd.mints, crowd.lookups) == (20, [1] * 20, 20)


def test_two_processes_share_twenty_mints(stub: Stub, tmp_path: Path) -> None:
    crowd = Crowd(stub, 20, 10)
    key = tmp_path / "key.pem"
    key.write_text(crowd.app.private_key)
    command = [sys.executable, "-m", "tests.services.github.api.crowd_worker", str(tmp_path / "home"), stub.url]
    workers = [
        subprocess.Popen(
            [*command, str(crowd.app.id), str(key), "32"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n".join(crowd.repositories))
        worker.stdin.close()
        worker.stdin = None
    found = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert found[0] == found[1]
    assert len(set(found[0].values())) == 20
    assert crowd.mints == [1] * 20


def test_a_crowd_of_forced_refreshes_joins_one(stub: Stub, home: Home) -> None:
    crowd = Crowd(stub, 1, 1)
    stub.configure(latency=0.2)
    with (
        GitHubAPIClient(crowd.app.id, crowd.app.private_key, base_url=stub.url, home=home, environ={}) as github,
        ThreadPoolExecutor(16) as pool,
    ):
        github.get_installation_token("org00", "repo00")
        start = Barrier(16)

        def force(_: int) -> str:
            start.wait()
            return github.refresh_installation_token("org00", "repo00")

        tokens = set(pool.map(force, range(16)))
    assert len(tokens) == crowd.mints[0] - 1 < 16  # who comes while one is under way gets its token


def test_every_one_of_a_crowd_is_told_of_a_failure(stub: Stub, home: Home) -> None:
    crowd = Crowd(stub, 1, 16)
    stub.fault("bad_gateway", times=None, path="/installation$")
    with (
        GitHubAPIClient(
            crowd.app.id,
            crowd.app.private_key,
            base_url=stub.url,
            home=home,
            environ={"GITHUB_MAX_RETRIES": "0"},
        ) as github,
        ThreadPoolExecutor(16) as pool,
    ):

        def ask(name: str) -> str:
            try:
                return github.get_installation_token(*pair(name))
            except Exception as error:
                return type(error).__name__

        assert set(pool.map(ask, crowd.repositories)) == {"ServiceError"}
