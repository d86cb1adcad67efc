"""The same questions with a daemon running: the command line, the library, and a daemon that ends in the middle of it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doors.conftest import House
from vestal.client.connection import connect
from vestal.core.errors import AuthFailed, ConfigError, NetworkError
from vestal.runtime import socket_path


@dataclass
class Daemon:
    """A daemon, and what it says when it listens."""

    process: subprocess.Popen[str]
    line: str

    @property
    def url(self) -> str:
        return self.line.split(" and ")[-1].strip()


@contextmanager
def daemon(house: House, *options: str) -> Iterator[Daemon]:
    """A daemon of the home."""
    process = house.cli.start("serve", *options)
    try:
        assert process.stderr is not None
        line = next((line for line in process.stderr if "listening at" in line), None)
        assert line is not None, process.communicate()
        yield Daemon(process, line)
    finally:
        process.terminate()
        process.communicate()


def log(daemon: Daemon) -> str:
    """All that it has said when it has ended."""
    daemon.process.terminate()
    return daemon.process.communicate()[1]


def test_the_command_line_asks_it(house: House) -> None:
    alone = house.cli("token", "acme")
    with daemon(house) as running:
        assert house.cli("token", "acme") == alone
        assert house.cli("token", "acme", "--json", "--min-ttl", "5m").json["version"] == 1
        assert house.cli("exec", "acme", "--", "printenv", "ACME_TOKEN").out == alone.out
        house.cli("token", "acme", "--min-ttl", "2h").fails(2, "7200 s", "3600 s")
        house.cli("token", "nobody").fails(2, "no credential of that name")
        told = log(running)
    assert told.count("token credential=acme") == 3
    assert house.cli("token", "acme") == alone


def test_what_people_do_beside_it_counts_at_once(house: House) -> None:
    with daemon(house):
        assert house.cli("token", "acme", "--json").json["version"] == 1
        assert house.cli("refresh", "acme", "--json").json["version"] == 2
        assert house.cli("token", "acme", "--json").json["version"] == 2
        assert connect(environ=house.environment).token("acme").version == 2
        assert house.server.counters["redemptions"] == 2
        house.cli("remove", "acme")
        house.cli("token", "acme").fails(2, "no credential of that name")


def test_a_daemon_that_was_killed(house: House) -> None:
    alone = house.cli("token", "acme")
    with daemon(house) as running:
        running.process.kill()
        running.process.wait()
        assert socket_path(house.cli.folder, house.environment).exists()
        assert house.cli("token", "acme") == alone


def test_the_library_asks_it(house: House) -> None:
    with daemon(house):
        source = connect(environ=house.environment).source("acme")
        first = source.token()
        assert first.access_token.reveal() == house.token
        assert source.token() is first
        assert first.expires_at is not None
        assert 3590 < first.expires_at - time.time() <= 3600
        assert source.refresh().version == 2
        with pytest.raises(ConfigError, match="live 3600 s"):
            source.token(min_ttl=4000)
        with pytest.raises(ConfigError, match="no credential of that name"):
            connect(environ=house.environment).token("nobody")
    assert source.token().version == 2
    source.forget()
    with pytest.raises(NetworkError):
        source.token()


def test_over_tcp_with_a_key(house: House) -> None:
    key = house.cli("key", "add", "me", "--credential", "acme").out.strip()
    with daemon(house, "--tcp", "127.0.0.1:0") as running:
        assert connect(running.url, key).token("acme").access_token.reveal() == house.token
        with pytest.raises(AuthFailed):
            connect(running.url, "wrong").token("acme")


def test_nothing_costly_is_imported(house: House, tmp_path: Path) -> None:
    with daemon(house):
        house.cli("token", "acme")
        python, *rest = house.cli.command("token", "acme")
        run = subprocess.run(
            [python, "-X", "importtime", *rest], env=house.cli.environment, capture_output=True, text=True
        )
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "vestal.client.exchange" in imported
    costly = {"asyncio", "httpx2", "http", "email", "ssl", "cryptography", "rich", "fastapi"}
    assert not costly & {name.partition(".")[0] for name in imported}
