"""What a daemon is started with: by the command line, and kept over a restart."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from tests.cli.conftest import CLI, add_robot
from vestal.core.secret import Secret
from vestal.daemon.process.logs import log_file
from vestal.daemon.process.pid_file import PidFile
from vestal.daemon.process.start import Options, start
from vestal.daemon.process.stop import stop
from vestal.testing.practice import PracticeServer

GIVEN = ("--host-name", "Vestal.Example", "--host-name", "fd00::1", "--at-once", "7", "--per-provider", "3")


@pytest.fixture
def daemon(cli: CLI) -> Iterator[CLI]:
    """The command line, and no daemon left behind."""
    yield cli
    stop(cli.folder, timeout=0)


def ran_with(cli: CLI) -> Options:
    running = PidFile(cli.folder).running()
    assert running is not None
    return Options.of(running)


def test_they_are_kept_over_a_restart(daemon: CLI) -> None:
    assert daemon("start", "--tcp", "127.0.0.1:0", *GIVEN, "--period", "90").code == 0
    first = ran_with(daemon)
    assert (first.hosts, first.at_once, first.per_provider) == (("vestal.example", "[fd00::1]"), 7, 3)
    assert (first.period, first.log_level) == (90.0, "info")
    assert daemon("restart").code == 0
    assert ran_with(daemon) == first
    assert daemon("restart", "--host-name", "b.example", "--period", "1m", "--log-level", "debug").code == 0
    now = ran_with(daemon)
    assert (now.hosts, now.period, now.log_level) == (("b.example",), 60.0, "debug")
    assert (now.tcp, now.at_once, now.per_provider) == (first.tcp, 7, 3)


def test_a_client_calls_it_by_the_names_that_it_was_given(daemon: CLI) -> None:
    started = daemon("start", "--tcp", "0.0.0.0:0", "--host-name", "Vestal.Example")
    assert started.code == 0
    assert "TLS" in started.err
    assert "--host-name" not in started.err
    url = daemon("status", "--json").json["url"]
    assert url.startswith("http://127.0.0.1:"), "where it is reached from here"

    def status(host: str) -> int:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        try:
            connection.request("GET", "/v1/credentials", headers={"Host": host})
            return connection.getresponse().status
        finally:
            connection.close()

    assert [status(host) for host in ("vestal.example", "VESTAL.example:1", "127.0.0.1")] == [401] * 3
    assert [status(host) for host in ("evil.example", "0.0.0.0", "example")] == [421] * 3


def test_open_to_other_machines_without_a_name_for_it(daemon: CLI) -> None:
    assert "`vestal restart --host-name NAME`" in daemon("start", "--tcp", "0.0.0.0:0").err
    assert "--host-name says" in log_file(daemon.folder).read_text()


def test_the_end_of_a_start_leads_to_the_dashboard(daemon: CLI) -> None:
    started = daemon("start")
    assert started.out.count("\n") == started.err.count("\n") == 1
    assert started.err == "vestal: for the dashboard: `vestal restart --tcp`, then `vestal open`\n"
    assert daemon("restart", "--tcp", "127.0.0.1:0").err == "vestal: for the dashboard: `vestal open`\n"
    assert daemon("restart", "--json").err == ""


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--host-name=http://a.example", "no name of a host"),
        ("--host-name=a.example:80", "no name of a host"),
        ("--host-name=*", "no name of a host"),
        ("--host-name=", "no name of a host"),
        ("--host-name=a b", "no name of a host"),
        ("--host-name=a/b", "no name of a host"),
        ("--host-name=-a", "no name of a host"),
        (f"--host-name={'a' * 300}", "no name of a host"),
        ("--at-once=0", "--at-once"),
        ("--per-provider=-1", "--per-provider"),
        ("--at-once=many", "--at-once"),
        ("--period=0", "1s or more"),
        ("--period=soon", "no duration"),
    ],
)
def test_what_makes_no_sense(cli: CLI, option: str, words: str) -> None:
    cli("serve", option).fails(2, words)


def test_the_unit_has_them(cli: CLI) -> None:
    unit = cli("systemd", *GIVEN, "--period", "1.5m").out
    arguments = "--at-once=7 --per-provider=3 --period=90 --host-name=vestal.example --host-name=[fd00::1]"
    assert f"-m vestal serve {arguments}\n" in unit


def test_a_wrong_passphrase_is_told_at_the_start(daemon: CLI, server: PracticeServer) -> None:
    (daemon.folder / "config.toml").write_text("[key]\nsource = 'passphrase'\n")
    daemon.environment["VESTAL_PASSPHRASE"] = "correct horse"
    add_robot(daemon, server)
    failed = daemon("start", env={"VESTAL_PASSPHRASE": "wrong horse"})
    assert failed.code == 2
    assert "the passphrase does not open the store" in failed.err
    assert "horse" not in failed.err
    assert "Traceback" not in failed.err
    daemon("serve", env={"VESTAL_PASSPHRASE": "wrong horse"}).fails(2, "the passphrase does not open the store")
    start(daemon.folder, Options(), passphrase=Secret("correct horse"), environ=daemon.environment)
    assert daemon("token", "robot").code == 0
