from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vestal
from tests.client.stand_in import Asked, Reply, StandIn, problem, token
from vestal.client.address import read_address
from vestal.client.connection import Client, connect
from vestal.core.errors import ConfigError, NeedsLogin, NetworkError, Outcome
from vestal.core.secret import Secret
from vestal.core.source import TokenSource
from vestal.testing.clock import FakeClock


class Daemon(StandIn):
    """Gives tokens of rising versions: a newer one when it is told that one was refused."""

    def __init__(self, path: Path) -> None:
        super().__init__(self._answer, path)
        self.version = 1
        self.trouble: Reply | None = None
        self.refresh_after = 3000.0
        self.more: dict[str, Any] = {}

    def _answer(self, asked: Asked) -> Reply:
        if self.trouble is not None:
            return self.trouble
        if asked.line.split()[1].endswith("/refresh"):
            self.version += 1
            return Reply({"name": "alice", "version": self.version})
        self.version = max(self.version, (asked.body.get("newer_than") or 0) + 1)
        return token(self.version, refresh_after=self.refresh_after, **self.more)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with Daemon(tmp_path / "s") as daemon:
        yield daemon


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(daemon: Daemon, clock: FakeClock) -> Client:
    return Client(read_address(daemon.address), clock=clock)


def test_a_token_is_asked_for_once(client: Client, daemon: Daemon) -> None:
    source = client.source("alice")
    assert isinstance(source, TokenSource)
    assert source.peek() is None
    first = source.token()
    assert first.authorization == "Bearer token-1"
    assert all(source.token() is first for _ in range(100))
    assert client.source("alice") is source
    assert client.token("alice") is first
    assert [asked.line for asked in daemon.asked] == ["POST /v1/credentials/alice/token HTTP/1.1"]


def test_threads_and_tasks_ask_once(client: Client, daemon: Daemon) -> None:
    source = client.source("alice")
    threads = [threading.Thread(target=source.token) for _ in range(20)]

    async def tasks() -> None:
        await asyncio.gather(*(source.atoken() for _ in range(100)))

    for thread in threads:
        thread.start()
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    assert len(daemon.asked) == 1


def test_a_refused_token(client: Client, daemon: Daemon) -> None:
    source = client.source("alice")
    first = source.token()
    assert source.token(newer_than=first.version).version == 2
    assert daemon.asked[-1].body == {"newer_than": 1}
    assert source.token(newer_than=first.version).version == 2
    assert len(daemon.asked) == 2


def test_min_ttl_is_the_daemon_s_to_judge(client: Client, daemon: Daemon) -> None:
    source = client.source("alice")
    source.token(min_ttl=1800)
    source.token(min_ttl=1900)
    assert len(daemon.asked) == 1
    source.token(min_ttl=3590)
    daemon.trouble = problem("CONFIG_ERROR", 422)
    with pytest.raises(ConfigError, match="it went wrong"):
        source.token(min_ttl=7200)
    assert daemon.asked[-1].body == {"min_ttl": 7200}


def test_a_refresh_by_hand(client: Client, daemon: Daemon) -> None:
    client.token("alice")
    assert client.source("alice").refresh().version == 2
    assert [asked.line.split()[1].rpartition("/")[2] for asked in daemon.asked] == ["token", "refresh", "token"]


def test_errors_are_the_daemon_s(client: Client, daemon: Daemon) -> None:
    daemon.trouble = problem("NEEDS_LOGIN", 409, remedy="`vestal login alice`", reason="missing")
    with pytest.raises(NeedsLogin, match="vestal login") as caught:
        client.token("alice")
    assert caught.value.reason == "missing"


def test_a_daemon_that_has_gone(client: Client, daemon: Daemon, clock: FakeClock) -> None:
    source = client.source("alice")
    first = source.token()
    daemon.trouble = Reply(raw=b"")
    clock.advance(3400)  # due, and still valid
    assert source.token() is first
    clock.advance(300)
    with pytest.raises(NetworkError) as caught:
        source.token()
    assert caught.value.passing


@pytest.mark.parametrize("says_when", [False, True])
def test_a_daemon_that_has_no_newer_token_is_not_stormed(
    client: Client, daemon: Daemon, clock: FakeClock, says_when: bool
) -> None:
    source = client.source("alice")
    if says_when:
        daemon.more = {"issued_at": clock.now(), "expires_at": clock.now() + 3600, "expires_in": None}
    first = source.token()
    daemon.refresh_after = 0.0
    clock.advance(3100)
    for _ in range(50):
        assert source.token().version == first.version
        for thread in threading.enumerate():
            if thread.name == "vestal refresh alice":
                thread.join()
    assert len(daemon.asked) == 2


def test_a_bound_token_can_t_be_used_from_afar(client: Client, daemon: Daemon) -> None:
    daemon.trouble = token(token_type="DPoP")
    with pytest.raises(ConfigError, match="bound to a key"):
        client.token("alice")


def test_names(client: Client) -> None:
    with pytest.raises(ConfigError):
        client.source("../x")


def test_a_socket_that_somebody_else_may_have_put_there(tmp_path: Path) -> None:
    """He would get the key, and choose whose account is worked with."""
    folder = tmp_path / "run"
    folder.mkdir()
    with Daemon(folder / "vestal.sock") as daemon:
        client = connect(key="k", environ={"VESTAL_HOME": str(tmp_path)})
        folder.chmod(0o777)
        with pytest.raises(NetworkError) as caught:
            client.token("alice")
        assert caught.value.outcome is Outcome.NOT_SENT
        assert daemon.asked == []
        assert connect(daemon.address, environ={}).token("alice").version == 1, "an address that is named is meant"
        folder.chmod(0o700)
        assert connect(environ={"VESTAL_HOME": str(tmp_path)}).token("alice").version == 1


def test_where_it_connects_to(tmp_path: Path) -> None:
    home = {"VESTAL_HOME": str(tmp_path)}
    assert connect(environ=home).address.path == str(tmp_path / "run" / "vestal.sock")
    told = {**home, "VESTAL_ADDRESS": "http://127.0.0.1:1", "VESTAL_API_KEY": "k"}
    assert str(connect(environ=told).address) == "http://127.0.0.1:1"
    assert str(connect("http://localhost:2", Secret("k"), environ=told).address) == "http://localhost:2"
    with pytest.raises(ConfigError, match="wants a key"):
        connect("http://127.0.0.1:1", environ=home)
    with pytest.raises(ConfigError):
        connect("https://example.com", "k", environ=home)


def test_the_key_is_sent_and_not_shown(tmp_path: Path) -> None:
    with StandIn(lambda asked: token()) as daemon:
        client = vestal.connect(daemon.address, "the-key")
        assert client.token("alice").version == 1
        assert daemon.asked[0].headers["authorization"] == "Bearer the-key"
    assert "the-key" not in repr(vars(client)) + repr(client)
