"""The daemon through its commands: real processes, with the API as it is."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from tests.cli.conftest import CLI, add, add_robot
from tests.daemon.daemons import read_all, wait_for
from vestal.core.secret import Secret
from vestal.daemon.process.pid_file import PidFile
from vestal.daemon.process.start import Options, start
from vestal.daemon.process.stop import stop
from vestal.runtime import socket_path
from vestal.testing.practice import PracticeServer


@pytest.fixture
def daemon(cli: CLI) -> Iterator[CLI]:
    """The command line, and no daemon left behind."""
    yield cli
    stop(cli.folder, timeout=0)


def test_a_life(daemon: CLI, server: PracticeServer) -> None:
    add_robot(daemon, server, "acme/robot")
    started = daemon("start", "--tcp", "127.0.0.1:0", "--json")
    assert started.code == 0, started
    pid, url = started.json["pid"], started.json["url"]
    again = daemon("start").fails(2, f"process {pid}", url)
    assert "vestal restart" in again.err

    shown = daemon("status", "--json")
    assert shown.code == 0
    assert shown.json["status"] == "running"
    assert shown.json["pid"] == pid
    assert re.fullmatch(r"\d+m \d+s", shown.json["uptime"])
    assert shown.json["memory_mb"] > 10
    assert shown.json["cpu_percent"] >= 0
    assert shown.json["url"] == url
    assert shown.json["credentials"] == {"idle": 1}
    assert f"pid          {pid}\n" in daemon("status").out
    assert "1 idle" in daemon("status").out

    restarted = daemon("restart", "--json")
    assert restarted.json["pid"] != pid
    assert restarted.json["url"] == url, "it listens where it did"

    assert daemon("stop").out == f"the daemon has stopped: process {restarted.json['pid']} at {url}\n"
    assert daemon("stop").out == "the daemon does not run\n"
    stopped = daemon("status", "--json")
    assert stopped.code == 1
    assert stopped.json["status"] == "stopped"
    assert stopped.json["pid"] is stopped.json["url"] is None
    assert daemon("status").out == "the daemon does not run\n"
    assert daemon("logs").out.count("listening at") == 2
    assert daemon("logs", "--lines", "1").out.count("\n") == 1
    errors = daemon("logs", "--errors")
    assert (errors.out, errors.err) == ("", "vestal: there are no warnings and no errors\n")


def test_tokens_over_tcp_take_a_key(daemon: CLI, server: PracticeServer) -> None:
    add_robot(daemon, server, "acme/robot")
    add_robot(daemon, server, "other")
    made = daemon("key", "add", "ci", "--credential", "acme/*")
    assert made.code == 0
    key = made.out.strip()
    url = daemon("start", "--tcp", "127.0.0.1:0", "--json").json["url"]

    assert ask(url, "acme/robot", None) == 401
    assert ask(url, "acme/robot", key + "x") == 401
    assert ask(url, "acme/robot", key) == 200
    assert ask(url, "other", key) in (403, 404)
    (listed,) = daemon("key", "list", "--json").json
    assert (listed["name"], listed["credentials"], listed["actions"]) == ("ci", ["acme/*"], ["token"])
    assert key not in daemon("key", "list").out
    assert daemon("key", "revoke", "ci").code == 0
    wait_for(lambda: ask(url, "acme/robot", key) == 401)
    daemon("key", "revoke", "ci").fails(2, "no key")
    daemon("stop")
    for path in daemon.folder.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path


def ask(url: str, name: str, key: str | None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}/v1/credentials/{name}/token", b"{}", headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert json.load(answer)["access_token"]
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_refresh_goes_through_the_daemon(daemon: CLI, server: PracticeServer) -> None:
    """Whoever asks the daemon has the new token at once; there is one refresh, and the same words with and without it."""
    add(daemon, server)
    assert re.fullmatch(r"alice: token 1, good for \d+ s\n", daemon("refresh", "alice").out)
    key = daemon("key", "add", "all", "--credential", "*", "--json").json["key"]
    url = daemon("start", "--tcp", "127.0.0.1:0", "--json").json["url"]
    assert version(url, "alice", key) == 1
    assert re.fullmatch(r"alice: token 2, good for \d+ s\n", daemon("refresh", "alice").out)
    assert version(url, "alice", key) == 2
    told = daemon("refresh", "alice", "--json").json
    assert list(told) == ["name", "token_type", "expires_at", "expires_in", "scope", "version"]
    assert told["version"] == version(url, "alice", key) == 3
    assert "token credential=alice version=3 to=local" in daemon("logs").out
    server.revoke_family(daemon("token", "alice").out.strip())
    daemon("refresh", "alice").fails(3, "alice: ", "vestal login alice")
    assert server.counters["redemptions"] == 3
    daemon("refresh", "nobody").fails(2, "nobody: ", "no credential of that name")


def test_without_a_daemon_that_answers_it_is_refreshed_here(daemon: CLI, server: PracticeServer) -> None:
    add(daemon, server)
    pid = daemon("start", "--json").json["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not PidFile(daemon.folder).held())
    assert socket_path(daemon.folder, {}).exists(), "its socket is still there"
    assert daemon("refresh", "alice", "--json").json["version"] >= 1


def version(url: str, name: str, key: str) -> int:
    """Of the token that the daemon gives."""
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{url}/v1/credentials/{name}/token", b"{}", headers, method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(json.load(answer)["version"])


def test_keys_name_what_they_are_for(cli: CLI) -> None:
    made = cli("key", "add", "ci", "--credential", "a*", "--credential", "b", "--action", "token,refresh", "--json")
    assert made.json["actions"] == ["token", "refresh"]
    cli("key", "add", "ci", "--credential", "a*").fails(2, "there is a key ci already")
    cli("key", "add", "cd").fails(2, "--credential")
    cli("key", "add", "cd", "--credential", "a", "--action", "everything").fails(2, "everything")
    assert "a* b" in cli("key", "list").out
    assert "Commands:" in cli("key").out
    assert cli("key", "revoke", "ci", "--json").json == {"name": "ci", "revoked": True}
    assert cli("key", "list", "--json").json == []


def test_serve_ends_well_at_the_first_signal(daemon: CLI) -> None:
    process = daemon.start("serve")
    try:
        pid_file = PidFile(daemon.folder)
        wait_for(
            lambda: process.poll() is not None or ((told := pid_file.read()) is not None and told.state == "running")
        )
        daemon("serve").fails(2, f"process {process.pid}")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert out == ""
    assert "listening at" in err
    assert "draining" in err
    assert "Traceback" not in err


def test_a_start_that_fails_shows_the_log(daemon: CLI) -> None:
    (daemon.folder / "config.toml").write_text("[key]\nsource = 'environment'\n")
    failed = daemon("start")
    assert failed.code == 2
    assert failed.out == ""
    assert "VESTAL_KEY" in failed.err
    assert failed.err.splitlines()[-1].startswith("vestal: the daemon did not start: it ended with 2")
    told = daemon("start", "--json")
    assert json.loads(told.err)["category"] == "CONFIG_ERROR"


def test_the_passphrase_is_handed_over_by_a_pipe(daemon: CLI) -> None:
    (daemon.folder / "config.toml").write_text("[key]\nsource = 'passphrase'\n")
    failed = daemon("start")
    assert failed.code == 2
    assert "VESTAL_PASSPHRASE" in failed.err
    running = start(daemon.folder, Options(), passphrase=Secret("correct horse"), environ=daemon.environment)
    process = psutil.Process(running.pid)
    assert "correct horse" not in " ".join([*process.cmdline(), *process.environ().values()])


def test_a_socket_of_ones_own_is_kept_over_a_restart(daemon: CLI) -> None:
    path = daemon.folder / "mine" / "s"
    assert daemon("start", "--socket", str(path), "--json").json["socket"] == str(path)
    assert daemon("restart", "--json").json["socket"] == str(path)
    assert daemon("status", "--json").json["url"] == f"unix://{path}"
    daemon("stop")
    elsewhere = daemon.folder / "elsewhere"
    started = daemon("start", "--json", env={"VESTAL_RUNTIME_DIR": str(elsewhere)})
    assert started.json["socket"] == str(elsewhere / "vestal.sock")
    assert daemon("stop", "--json").json == {"status": "stopped", "pid": started.json["pid"], "killed": False}


def test_whoever_listens_to_events_holds_nothing_up(daemon: CLI) -> None:
    daemon("start")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(60)
        listener.connect(str(socket_path(daemon.folder, {})))
        listener.sendall(b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert listener.recv(12) == b"HTTP/1.1 200"
        assert daemon("stop", "--timeout", "15", "--json").json["killed"] is False
        assert read_all(listener).endswith(b"0\r\n\r\n")
    assert daemon("logs", "--errors").out == ""


@pytest.mark.parametrize(
    "address", ["", "localhost", "localhost:", ":1", "65536", "+1", "::1:1", "[]:1", "1:2:3", "[::1]", "x:1y", "²"]
)
def test_what_is_no_address(cli: CLI, address: str) -> None:
    cli("serve", f"--tcp={address}").fails(2, "no address")


def test_the_unit_runs_this_home(cli: CLI) -> None:
    printed = cli("systemd", "--tcp")
    assert printed.code == 0
    assert f"Environment=VESTAL_HOME={cli.folder}\n" in printed.out
    assert "-m vestal serve --tcp=127.0.0.1:8378\n" in printed.out


def test_nothing_is_made_by_looking(cli: CLI) -> None:
    cli.folder.rmdir()
    assert cli("status").code == 1
    assert cli("stop").code == 0
    assert cli("logs").code == 0
    assert not cli.folder.exists()


def test_a_killed_daemon_is_noticed(daemon: CLI) -> None:
    def kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not PidFile(daemon.folder).held())

    first = daemon("start", "--tcp", "127.0.0.1:0", "--json").json
    kill(first["pid"])
    told = daemon("status")
    assert (told.code, told.out) == (1, "the daemon does not run\n")
    assert f"process {first['pid']}, the last one, was killed" in told.err
    again = daemon("restart", "--json").json
    assert again["url"] == first["url"], "with the options of the one that was killed"
    kill(again["pid"])
    assert daemon("start", "--json").json["url"].startswith("unix://"), "with its own options"


def test_what_can_not_start_is_known_before_the_one_that_runs_is_stopped(daemon: CLI) -> None:
    (daemon.folder / "config.toml").write_text("[key]\nsource = 'passphrase'\n")
    right = {"VESTAL_PASSPHRASE": "correct horse"}
    assert daemon("init", env=right).code == 0
    add = ("add", "a", "--token-url", "https://e.example/t", "--client-id", "x", "--grant", "client_credentials")
    assert daemon(*add, "--client-secret-file", "-", input="s", env=right).code == 0
    pid = daemon("start", "--json", env=right).json["pid"]

    def refused(*options: str, says: str, env: dict[str, str] = right) -> None:
        failed = daemon("restart", *options, env=env)
        assert (failed.code, failed.out) == (2, "")
        assert f"the daemon was not stopped: process {pid} at unix://" in failed.err
        assert says in failed.err
        assert daemon("status", "--json").json["pid"] == pid

    refused(says="VESTAL_PASSPHRASE", env={})
    refused(says="the passphrase does not open the store", env={"VESTAL_PASSPHRASE": "wrong"})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused("--tcp", f"127.0.0.1:{taken.getsockname()[1]}", says="Address already in use")
    refused("--tcp", "192.0.2.1:0", says="192.0.2.1:0")
    refused("--socket", "/tmp/vestal-test.sock", says="/tmp can be read by others")
    moved = daemon(
        "restart", "--tcp", "127.0.0.1:0", "--socket", str(daemon.folder / "mine" / "s"), "--json", env=right
    )
    assert moved.json["pid"] != pid
    url = moved.json["url"]
    assert daemon("restart", "--tcp", url.removeprefix("http://"), "--json", env=right).json["url"] == url
    assert daemon("restart", "--tcp", url.rpartition(":")[2], "--json", env=right).json["url"] == url
