from __future__ import annotations

import json
import re
import subprocess

from tests.cli.conftest import CLI, add, add_robot, age
from vestal.testing.practice import PracticeServer, Settings

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_the_token_and_nothing_else(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    first = cli("token", "alice")
    assert (first.code, first.err) == (0, "")
    assert re.fullmatch(r"[\w-]{43}\n", first.out)
    assert cli("token", "alice") == first
    assert server.counters["redemptions"] == 1


def test_json_has_the_documented_keys(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    value = cli("token", "alice", "--json").json
    assert list(value) == ["access_token", "token_type", "expires_at", "expires_in", "scope", "version"]
    assert re.fullmatch(RFC3339, value["expires_at"])
    assert 50 <= value["expires_in"] <= 60
    assert isinstance(value["expires_in"], int)
    assert (value["token_type"], value["scope"], value["version"]) == ("Bearer", "read write", 1)


def test_a_service_that_does_not_say_when(cli: CLI) -> None:
    with PracticeServer(Settings(expires_in="")) as server:
        add(cli, server)
        value = cli("token", "alice", "--json").json
    assert (value["expires_at"], value["expires_in"]) == (None, None)


def test_newer_than_a_refused_version(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    assert cli("token", "alice", "--json", "--newer-than", "0").json["version"] == 1
    assert cli("token", "alice", "--json", "--newer-than", "1").json["version"] == 2
    assert cli("token", "alice", "--json", "--newer-than", "1").json["version"] == 2
    assert server.counters["redemptions"] == 2


def test_min_ttl(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    cli("token", "alice")
    server.settings.access_token_lifetime = 3600
    assert cli("token", "alice", "--json", "--min-ttl", "10s").json["version"] == 1
    assert cli("token", "alice", "--json", "--min-ttl", "15m").json["version"] == 2
    cli("token", "alice", "--min-ttl", "2h").fails(2, "7200 s", "3600 s")
    cli("token", "alice", "--min-ttl", "soon").fails(2, "'soon' is no duration", "15m")


def test_a_token_that_is_still_valid_is_given_while_the_service_is_down(cli: CLI, server: PracticeServer) -> None:
    server.settings.access_token_lifetime = 600
    add(cli, server)
    first = cli("token", "alice")
    age(cli, "alice", 540)  # it is due
    server.pause_listening()
    second = cli("token", "alice")
    assert second.code == 0, second
    assert second.out == first.out
    assert second.err.count("\n") == 1
    assert second.err.startswith("vestal: alice: its refresh failed (NETWORK_ERROR); the present token is good for ")
    cli("token", "alice", "--min-ttl", "5m").fails(4, "alice: ")
    server.resume_listening()


def test_unavailable_and_needs_login(cli: CLI, server: PracticeServer) -> None:
    refresh_token = add(cli, server)
    server.faults.add("token", "rate_limit", retry_after="77")
    cli("token", "alice").fails(4, "alice: ", "patience")
    told = cli("token", "alice", "--json")
    assert (told.code, told.out) == (4, "")
    error = json.loads(told.err)
    assert set(error) == {"category", "message", "remedy", "credential", "retry_after"}
    assert (error["category"], error["credential"]) == ("RATE_LIMIT_EXCEEDED", "alice")
    assert 60 < error["retry_after"] <= 85

    server.revoke_family(refresh_token)
    assert cli("refresh", "alice").fails(3, "alice: ", "`vestal login alice`")
    assert cli("show", "alice", "--json").json["state"] == "needs_login"


def test_refused_by_the_service(cli: CLI, server: PracticeServer) -> None:
    add_robot(cli, server)
    server.add_client("practice", secret="another")
    cli("token", "robot").fails(5, "robot: ", "refused the app")


def test_nothing_is_imported_that_a_good_token_does_not_need(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    cli("token", "alice")
    python, *rest = cli.command("token", "alice")
    run = subprocess.run(
        [python, "-X", "importtime", *rest], env=cli.environment, capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert {"click", "vestal.cli.session", "vestal.operations.ask", "sqlite3"} <= imported
    costly = {
        "asyncio",
        "httpx2",
        "joserfc",
        "rich",
        "platformdirs",
        "tomllib",
        "filelock",
        "pybreaker",
        "socket",
        "ssl",
    }
    assert not costly & {name.partition(".")[0] for name in imported}
    assert not {name for name in imported if name.startswith("vestal.oauth2") or name == "vestal.core.lifecycle"}


def test_refresh_now(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    assert re.fullmatch(r"alice: token 1, good for \d+ s\n", cli("refresh", "alice").out)
    value = cli("refresh", "alice", "--json").json
    assert list(value) == ["name", "token_type", "expires_at", "expires_in", "scope", "version"]
    assert value["version"] == 2
    assert server.counters["redemptions"] == 2
