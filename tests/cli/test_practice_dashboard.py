"""`vestal practice --dashboard`: what `make run` runs."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cli.conftest import CLI
from tests.cli.test_practice import read_until
from tests.daemon.daemons import wait_for
from vestal.daemon.listening import PORT
from vestal.daemon.process.pid_file import PidFile
from vestal.daemon.process.stop import stop

DASHBOARD = ("practice", "--dashboard-port", "0")


@contextmanager
def practising(cli: CLI, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """It runs, and has told where it is."""
    with cli.start(*DASHBOARD, "--json", *options) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def ends_well(process: subprocess.Popen[str]) -> str:
    """After a Ctrl-C: what it says last."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return out


def status_of(address: str) -> int:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return int(answer.status)


def test_what_it_says_and_how_it_ends(cli: CLI) -> None:
    with cli.start(*DASHBOARD) as process:
        try:
            link = read_until(process, r"^(http://127\.0\.0\.1:\d+/dashboard/open/\S+)$")[1]
            assert read_until(process, r"export VESTAL_HOME=(\S+)")[1] == str(cli.folder)
            read_until(process, r"Ctrl-C ends")
            assert status_of(link) == 200
            assert status_of(cli("open", "--no-browser").out.strip()) == 200
            said = ends_well(process)
        finally:
            process.kill()
    assert re.fullmatch(r"kept alive for .*: 1 redemption, 0 reused; \d+ tokens? given, 0 failed\n", said)
    assert PidFile(cli.folder).running() is None


def test_callers_and_other_programs_get_tokens_meanwhile(cli: CLI) -> None:
    with practising(cli, "--lifetime", "3") as (process, facts):
        assert facts["home"] == str(cli.folder)
        assert cli("status", "--json").json["dashboard"] == facts["dashboard"]
        assert cli("token", "practice").code == 0
        request = urllib.request.Request(f"{facts['issuer']}/practice/counters")
        request.add_header("Practice-Key", facts["control_key"])

        def counted(what: str) -> int:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(json.load(answer).get(what, 0))

        wait_for(lambda: counted("resource.200") >= 4 and counted("redemptions") >= 2)
        assert counted("resource.401") == counted("reuse_detected") == 0
        assert ends_well(process) == ""


def test_one_at_a_time(cli: CLI) -> None:
    with practising(cli) as (process, facts):
        told = cli("practice", "--dashboard").fails(2, f"process {process.pid} at {facts['url']}", "VESTAL_HOME")
        assert "vestal stop" in told.err
        cli("practice", "--live").fails(2, "another `vestal practice` runs")
        cli("start").fails(2, f"process {process.pid}")
        assert cli("stop").code == 0
        assert process.wait(60) == 0


def test_beside_a_daemon_nothing_is_touched(cli: CLI) -> None:
    try:
        assert cli("start").code == 0
        cli("practice", "--dashboard").fails(2, "runs already")
        assert cli("list", "--json").json == []
    finally:
        stop(cli.folder, timeout=0)


def test_the_second_signal_ends_it_at_once(cli: CLI) -> None:
    with practising(cli, "--latency", "1h") as (process, _):
        pid_file = PidFile(cli.folder)
        process.send_signal(signal.SIGINT)
        wait_for(lambda: (told := pid_file.read()) is not None and told.state == "stopping")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_another_port_where_the_usual_one_is_taken(cli: CLI) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", PORT))
            taken.listen()
        except OSError:
            pass  # somebody else has it
        told = cli("practice", "--dashboard", "--json", "--duration", "0.1s")
    assert (told.code, told.err) == (0, "")
    assert not told.json["url"].endswith(f":{PORT}")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cli("practice", "--dashboard-port", port).fails(2, f"can't listen at 127.0.0.1:{port}")


def test_it_shows_in_one_way(cli: CLI) -> None:
    cli("practice", "--live", "--dashboard").fails(2, "choose one")
    cli("practice", "--dashboard", "--fault", "token:moon").fails(2, "moon")
    assert list(cli.folder.iterdir()) == []


def test_whoever_reads_it_may_go(cli: CLI) -> None:
    with practising(cli) as (process, _):
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert ends_well(process) is None


def test_in_a_terminal(cli: CLI) -> None:
    """Only what is to be copied may be longer than a line of 80 columns."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(
        cli.command(*DASHBOARD, "--duration", "1s"),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**cli.environment, "TERM": "xterm-256color"},
        start_new_session=True,
    ) as process:
        os.close(terminal)
        seen = b""
        while True:
            try:
                seen += os.read(controller, 65536)
            except OSError:  # the other end is closed
                break
    os.close(controller)
    text = re.sub(r"\x1b\[[0-9;]*m", "", seen.decode())
    assert process.returncode == 0, text
    assert "\x1b[" not in text
    for line in text.splitlines():
        assert len(line) <= 80 or line.startswith(("http://", "  ")), line
    assert text.splitlines()[-1].startswith("kept alive for ")
