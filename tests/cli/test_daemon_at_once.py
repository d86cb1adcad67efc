"""What a person does to a credential counts at once for whoever asks the daemon: its next look at the store is far away."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.conftest import CLI, add, add_robot
from tests.cli.test_login import logging_in
from vestal.daemon.process.stop import stop
from vestal.testing.practice import PracticeServer, log_in

Ask = Callable[[str], tuple[int, Any]]


@pytest.fixture
def ask(cli: CLI) -> Iterator[Ask]:
    """Ask the daemon over TCP, as programs do that know nothing of the store: the status, and the version or category."""
    key = cli("key", "add", "all", "--credential", "*", "--json").json["key"]
    url = cli("start", "--tcp", "127.0.0.1:0", "--period", "1d", "--json").json["url"]

    def ask(name: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        request = urllib.request.Request(f"{url}/v1/credentials/{name}/token", b"{}", headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)["version"]
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["category"]

    yield ask
    stop(cli.folder, timeout=0)


def person_logs_in(cli: CLI) -> None:
    with logging_in(cli) as (process, asked):
        log_in(asked["address"])
        process.communicate()
    assert process.returncode == 0


def test_added_removed_and_added_again(cli: CLI, server: PracticeServer, ask: Ask) -> None:
    assert ask("robot") == (404, "CONFIG_ERROR")
    add_robot(cli, server)
    assert ask("robot") == (200, 1)
    assert cli("remove", "robot").code == 0
    assert ask("robot") == (404, "CONFIG_ERROR")
    add(cli, server, "robot")
    assert ask("robot") == (200, 1)
    assert server.counters["redemptions"] == 1, "the token is that of the new one"


def test_replaced(cli: CLI, server: PracticeServer, ask: Ask) -> None:
    add_robot(cli, server)
    assert ask("robot") == (200, 1)
    add(cli, server, "robot", "--replace")
    assert ask("robot") == (200, 2)
    assert server.counters["redemptions"] == 1


def test_revoked_and_logged_in_again(cli: CLI, server: PracticeServer, ask: Ask) -> None:
    add(cli, server)
    assert ask("alice") == (200, 1)
    assert cli("revoke", "alice").code == 0
    assert ask("alice") == (409, "NEEDS_LOGIN")
    person_logs_in(cli)
    assert ask("alice") == (200, 2)
    person_logs_in(cli)
    assert ask("alice") == (200, 3), "also where the old one was good"
