"""The refresher with its thread, the real clock, SQLite and the practice server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from vestal.core.credential import App
from vestal.core.events import Event, Kind
from vestal.core.secret import Secret
from vestal.daemon import feed
from vestal.daemon.refresher import Refresher
from vestal.home import Home
from vestal.stores.memory import MemoryBackend
from vestal.stores.record import Record
from vestal.stores.sqlite import SQLiteBackend
from vestal.testing.practice import PracticeServer, Settings


@contextmanager
def running(home: Home, **options: float) -> Iterator[Refresher]:
    refresher = Refresher(home, period=options.get("period", 30.0))
    refresher.start()
    try:
        yield refresher
    finally:
        assert refresher.stop()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home", environ={})
    yield home
    home.close()


def add(home: Home, server: PracticeServer, name: str) -> None:
    app = App(
        provider="custom",
        client_id="practice",
        client_secret=Secret("practice-secret"),
        settings={"token_url": f"{server.url}/token"},
    )
    home.add(name, app, Secret(server.issue_refresh_token("practice")))


def counted(home: Home, kind: Kind, count: int) -> threading.Event:
    done, seen = threading.Event(), []

    def hear(event: Event) -> None:
        if event.kind is kind:
            seen.append(event)
            if len(seen) >= count:
                done.set()

    home.lifecycle.events.listen(hear)
    return done


def test_short_lived_tokens_are_kept_alive(home: Home) -> None:
    with PracticeServer(Settings(access_token_lifetime=3)) as server:
        for number in range(5):
            add(home, server, f"user/{number}")
        done = counted(home, Kind.REFRESHED, 15)
        with running(home) as refresher:
            assert done.wait(30)
        assert server.counters["families_revoked"] == 0
        status = refresher.status()
        assert status.failed == 0
        assert status.refreshed >= 15


def test_a_change_by_another_process_is_seen(home: Home) -> None:
    with PracticeServer() as server:
        add(home, server, "acme")
        home.lifecycle.update("acme", lambda one: replace(one, refresh_token=None))
        done = counted(home, Kind.REFRESHED, 1)
        program = (
            "import sys; from dataclasses import replace\n"
            "from vestal.core.secret import Secret; from vestal.home import Home\n"
            "home = Home(sys.argv[1], environ={}); text = sys.stdin.read()\n"
            "home.lifecycle.update('acme', lambda one: replace(one, refresh_token=Secret(text)))\n"
        )
        command = [sys.executable, "-c", program, str(home.folder)]
        with running(home, period=0.1):
            subprocess.run(command, input=server.issue_refresh_token("practice"), text=True, check=True)
            assert done.wait(20)
        assert server.counters["requests.token"] == 1


def test_a_token_that_another_process_has_replaced_is_let_go_of(home: Home) -> None:
    with PracticeServer() as server:
        add(home, server, "acme")
        before = home.token("acme")
        program = (
            "import sys; from vestal.home import Home\n"
            "home = Home(sys.argv[1], environ={}); home.source('acme').refresh(); home.close()\n"
        )
        with running(home, period=0.1):
            subprocess.run([sys.executable, "-c", program, str(home.folder)], check=True)
            adopted = counted(home, Kind.TOKEN_ADOPTED, 1)
            deadline = home.clock.steady() + 20
            while (found := home.token("acme")).version == before.version and home.clock.steady() < deadline:
                adopted.wait(0.05)
        assert found.version == before.version + 1
        assert server.counters["requests.token"] == 2


def test_who_asks_for_a_refresh_gets_one_though_its_token_is_let_go_of_meanwhile(home: Home) -> None:
    with PracticeServer() as server:
        add(home, server, "acme")
        assert home.token("acme").version == 1
        home.lifecycle.events.listen(lambda event: home.let_go("acme") if event.kind is Kind.TOKEN_SAVED else None)
        assert home.source("acme").refresh().version == 2
        assert server.counters["requests.token"] == 2


def test_a_removed_one_is_let_go_of(home: Home) -> None:
    with PracticeServer() as server:
        add(home, server, "acme")
        home.token("acme")
        other = Home(home.folder, environ={})
        with running(home, period=0.1):
            other.remove("acme")
            deadline = home.clock.steady() + 20
            while home.peek("acme") is not None and home.clock.steady() < deadline:
                home.clock.sleep(0.02)
        other.close()
        assert home.peek("acme") is None


def test_callers_and_refresher_do_not_refresh_twice(home: Home) -> None:
    with PracticeServer(Settings(latency=0.2)) as server:
        add(home, server, "acme")
        sent = counted(home, Kind.INTENT_SAVED, 1)
        with running(home):
            assert sent.wait(10)
            tokens = [home.token("acme") for _ in range(3)]
        assert {token.version for token in tokens} == {1}
        assert server.counters["requests.token"] == 1


# The feed


class Plain:
    """A backend that offers no more than it has to."""

    def __init__(self, backend: SQLiteBackend | MemoryBackend) -> None:
        self.get, self.records = backend.get, backend.records


@pytest.mark.parametrize("kind", ["sqlite", "memory", "plain"])
def test_the_feed(tmp_path: Path, kind: str) -> None:
    backend = MemoryBackend() if kind == "memory" else SQLiteBackend(tmp_path / "store.db")
    for number in range(2500):
        backend.put(Record(f"user/{number:04d}", 1, 1, '{"a": 1, "history": [1]}', b"sealed"))
    backend.put(Record("user/0007", 2, 1, "no JSON", b"sealed"))
    source = Plain(backend) if kind == "plain" else backend
    pages = list(feed.revisions(source))  # type: ignore[arg-type]
    assert [len(page) for page in pages] == [1000, 1000, 500]
    found = dict(row for page in pages for row in page)
    assert found["user/0007"] == 2
    assert list(found) == backend.names()
    outlines = {
        outline.name: outline
        for outline in feed.outlines(source, ["user/0007", "nobody", "user/2400", *found])  # type: ignore[arg-type]
    }
    assert outlines["user/0007"].public is None
    assert outlines["user/2400"].revision == 1
    public = outlines["user/2400"].public
    assert public is not None
    assert public["a"] == 1
    assert len(outlines) == 2500
    backend.close()
