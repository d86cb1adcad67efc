from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CLI, add, add_robot
from vestal.testing.practice import PracticeServer, log_in


@pytest.fixture
def alice(cli: CLI, server: PracticeServer) -> CLI:
    """A home with a credential that nobody has logged in to."""
    made = cli("add", "alice", "--issuer", server.url, "--client-id", "practice-public", "--scope", "read")
    assert made.code == 0
    assert made.err == "vestal: alice: a person has to log in next: vestal login alice\n"
    return cli


@contextmanager
def logging_in(cli: CLI, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A login under way, and what it asks of the person."""
    with cli.start("login", "alice", "--no-browser", "--json", *options) as process:
        assert process.stderr is not None
        try:
            yield process, json.loads(process.stderr.readline())
        finally:
            process.kill()


def test_through_a_browser(alice: CLI, server: PracticeServer, tmp_path: Path) -> None:
    assert alice("show", "alice", "--json").json["state"] == "needs_login"
    alice("token", "alice").fails(3, "alice: ", "`vestal login alice`")
    browser = tmp_path / "browser.py"
    browser.write_text("import sys\nfrom vestal.testing.practice import log_in\nprint('canary')\nlog_in(sys.argv[1])\n")
    told = alice("login", "alice", env={"BROWSER": f"{sys.executable} {browser} %s &"})
    assert told.code == 0, told
    assert told.out.startswith("alice: logged in; token 1, good for ")
    assert told.out.count("\n") == 1
    assert f"    {server.url}/authorize?" in told.err
    shown = alice("show", "alice", "--json").json
    assert (shown["state"], shown["token_state"], shown["version"]) == ("idle", "valid", 1)
    assert shown["scope"] == "read"
    assert alice("token", "alice").code == 0
    assert alice("refresh", "alice").code == 0
    assert server.counters["redemptions"] == 1


def test_without_a_browser(alice: CLI, server: PracticeServer) -> None:
    with logging_in(alice) as (process, asked):
        assert (asked["service"], asked["user_code"]) == (server.url.removeprefix("http://"), None)
        shown = alice("show", "alice", "--json").json
        assert shown["state"] == "authorizing"
        assert shown["authorizing_until"] is not None
        log_in(asked["address"])
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)
    assert list(told) == ["name", "token_type", "expires_at", "expires_in", "scope", "version"]
    shown = alice("show", "alice", "--json").json
    assert (shown["state"], shown["authorizing_until"]) == ("idle", None)


def test_on_another_machine(alice: CLI, server: PracticeServer) -> None:
    server.settings.device_interval = 0.1
    with logging_in(alice, "--device") as (process, asked):
        assert asked["port"] is None
        assert asked["user_code"] in asked["address_with_code"]
        server.decide_device(asked["user_code"])
        process.communicate()
    assert process.returncode == 0
    assert alice("token", "alice").code == 0

    with alice.start("login", "alice", "--device") as process:
        assert process.stderr is not None
        told = ""
        while "and enter the code" not in told:
            told += process.stderr.readline()
        process.stderr.readline()
        server.decide_device(process.stderr.readline().strip(), approved=False)
        out, err = process.communicate()
    assert (process.returncode, out) == (5, "")
    assert err.splitlines()[-1].startswith("vestal: alice: access to ")


def test_a_login_replaces_what_was_there(cli: CLI, server: PracticeServer) -> None:
    refresh_token = add(cli, server)
    cli("token", "alice")
    server.revoke_family(refresh_token)
    cli("refresh", "alice").fails(3)
    with logging_in(cli) as (process, asked):
        assert cli("show", "alice", "--json").json["version"] == 1
        log_in(asked["address"])
        process.communicate()
    assert process.returncode == 0
    shown = cli("show", "alice", "--json").json
    assert (shown["state"], shown["version"], shown["last_error"]) == ("idle", 2, None)


def test_a_person_who_says_no(alice: CLI) -> None:
    with logging_in(alice) as (process, asked):
        log_in(asked["address"], allow=False)
        out, err = process.communicate()
    assert (process.returncode, out) == (5, "")
    assert json.loads(err)["category"] == "PERMISSION_DENIED"
    assert json.loads(err)["credential"] == "alice"
    assert alice("show", "alice", "--json").json["state"] == "needs_login"


def test_ctrl_c(alice: CLI) -> None:
    with logging_in(alice) as (process, asked):
        assert asked["limit"] == 300
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    shown = alice("show", "alice", "--json").json
    assert (shown["state"], shown["authorizing_until"]) == ("needs_login", None)


def test_nobody_comes(alice: CLI) -> None:
    told = alice("login", "alice", "--no-browser", "--wait", "0.2s")
    assert (told.code, told.out) == (3, "")
    assert told.err.splitlines()[-1].startswith("vestal: alice: nobody finished the login within 0.2 seconds")


def test_where_there_is_nothing_to_log_in_to(cli: CLI, server: PracticeServer) -> None:
    add_robot(cli, server)
    cli("login", "robot").fails(2, "robot: ", "client_credentials needs no login")
    assert cli("show", "robot", "--json").json["authorizing_until"] is None
