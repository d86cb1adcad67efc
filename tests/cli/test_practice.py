from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import urllib.request

import pytest

from tests.cli.conftest import CLI, add
from vestal.testing.practice import PracticeServer


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read lines until one matches."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"{pattern} never came")


def test_the_server(cli: CLI) -> None:
    with cli.start("practice", "--json", "--lifetime", "2m", "--fault", "token:status,status=418") as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        assert list(facts) == ["issuer", "token_endpoint", "resource", "control_key", "clients"]
        service = ("--token-url", facts["token_endpoint"], "--client-id", "practice", "--client-secret-env", "S")
        assert cli("add", "robot", *service, env={"S": "practice-secret"}).code == 0
        cli("token", "robot").fails(5, "418")
        assert cli("refresh", "robot", "--json").json["expires_in"] in (119, 120)
        request = urllib.request.Request(
            f"{facts['issuer']}/practice/counters", headers={"Practice-Key": facts["control_key"]}
        )
        with urllib.request.urlopen(request) as answer:
            assert json.load(answer)["issued.client_credentials"] == 1
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("", "")
    assert process.returncode == 0
    assert {path.name for path in cli.folder.iterdir()} >= {"store.db"}


def test_the_server_in_words(cli: CLI) -> None:
    told = cli("practice", "--duration", "0.1s")
    assert (told.code, told.err) == (0, "")
    assert re.search(r"^practice server +http://127\.0\.0\.1:\d+$", told.out, re.MULTILINE)
    assert "vestal login try" in told.out
    assert not list(cli.folder.iterdir()), "it needs no home"


def test_options_that_make_no_sense(cli: CLI, server: PracticeServer) -> None:
    port = server.url.rpartition(":")[2]
    cli("practice", "--port", port).fails(2, f"port {port} can't be used")
    cli("practice", "--port", "70000").fails(2, "--port")
    cli("practice", "--fault", "token").fails(2, "ENDPOINT:KIND")
    cli("practice", "--fault", "moon:status").fails(2, "moon")
    cli("practice", "--live", "--fault", "token:moon").fails(2, "moon")
    cli("practice", "--lifetime", "long").fails(2, "'long' is no duration")


def test_live_without_a_terminal(cli: CLI) -> None:
    """Lines for whoever reads; the credential is kept alive, and other processes use it meanwhile."""
    with cli.start("practice", "--live", "--lifetime", "3") as process:
        url = read_until(process, r"practice server (http://127\.0\.0\.1:\d+),")[1]
        assert read_until(process, r"export VESTAL_HOME=(\S+)")[1] == str(cli.folder)
        read_until(process, r"or in Python:")
        read_until(process, r"token 1: it was due")
        token = cli("token", "practice", "--json").json
        assert token["version"] >= 1
        read_until(process, r"token 2: in good time")
        cli("practice", "--live").fails(2, "another `vestal practice` runs")
        shown = cli("show", "practice", "--json").json
        assert (shown["state"], shown["client_id"]) == ("idle", "practice")
        assert url in shown["settings"]["token_url"]
        summary = read_until(process, r"token \d+, \d+ s left; .* 0 reused; .* served, 0 failed$")
        assert summary
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        last = process.stdout.read().splitlines()[-1]
        assert re.match(r"kept alive for \d+ s: \d+ refresh", last)
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_the_ten_lines_of_python(cli: CLI) -> None:
    with cli.start("practice", "--live") as process:
        read_until(process, r"or in Python:")
        assert process.stdout is not None
        lines = []
        while (line := process.stdout.readline()).startswith("  ") or not line.strip():
            lines.append(line[2:] or "\n")
        assert len([line for line in lines if line.strip()]) <= 10
        ran = subprocess.run(
            [sys.executable, "-c", "".join(lines)], env=cli.environment, capture_output=True, text=True, timeout=60
        )
        process.kill()
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("200 {") == 3


def test_live_again_in_the_same_home(cli: CLI) -> None:
    for version in (1, 2):
        told = cli("practice", "--live", "--duration", "1s", "--no-rotation")
        assert f"token {version}: it was due" in told.out
        assert "0 failed" in told.out.splitlines()[-1]
    assert cli("show", "practice", "--json").json["settings"]["rotation"] == "never"


def test_live_leaves_other_credentials_alone(cli: CLI, server: PracticeServer) -> None:
    add(cli, server, "practice", "--replace")
    assert cli("practice", "--live", "--duration", "0.1s").code == 0  # it is for a practice server
    made = ("add", "practice", "--replace", "--token-url", "https://e.example/", "--client-id", "mine")
    assert cli(*made).code == 0
    cli("practice", "--live", "--duration", "1s").fails(2, "practice: ", "not for the practice server", "VESTAL_HOME")


@pytest.mark.parametrize(
    ("columns", "rows", "seen_last"), [(80, 24, "HTTP_ERROR"), (120, 40, "HTTP_ERROR"), (40, 10, "keeps it alive")]
)
def test_live_in_a_terminal(cli: CLI, columns: int, rows: int, seen_last: str) -> None:
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen(
        cli.command(
            "practice", "--live", "--lifetime", "4", "--fault", "token:pass", "--fault", "token:status,status=400"
        ),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**cli.environment, "TERM": "xterm-256color"},
        start_new_session=True,
    ) as process:
        os.close(terminal)
        seen = b""
        interrupted = False
        while True:
            try:
                seen += os.read(controller, 65536)
            except OSError:  # the other end is closed
                break
            if not interrupted and seen_last.encode() in seen:
                process.send_signal(signal.SIGINT)
                interrupted = True
    os.close(controller)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode())
    assert process.returncode == 0, text
    assert "Traceback" not in text
    assert "keeps it alive" in text
    assert "vestal token practice" in text
    assert "kept alive for" in text
    assert seen.decode().rpartition("\x1b[?25")[2].startswith("h"), "the cursor is shown again"
