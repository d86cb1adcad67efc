"""The page on the daemon, from its first block to its last, in one shell."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.docs.session import Shell, blocks, commands
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.testing.practice import PracticeServer

PAGE = "docs/how-to/run-the-daemon.md"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """With the credentials of the page, and no daemon left behind."""
    folder = tmp_path / "work"
    folder.mkdir(mode=0o700)
    with PracticeServer() as server:
        home = Home(folder / "home", environ={})
        for name in ("spotify", "grafana/main"):
            app = App(
                provider="custom",
                client_id="practice",
                client_secret=Secret("practice-secret"),
                settings={"token_url": f"{server.url}/token"},
            )
            home.add(name, app, Secret(server.issue_refresh_token("practice")))
        home.close()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("VESTAL")}
        shell = Shell(folder, {**environment, "VESTAL_HOME": str(folder / "home")})
        yield shell
        shell.run("vestal stop")
        shell.close()


def test_the_page(shell: Shell, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ran = 0
    for block in blocks(PAGE):
        text = block.text.replace("8378", port)
        if block.language == "console":
            for command, _ in commands(replace(block, text=text)):
                printed = shell.run(f"{command}; echo exit $?")
                assert printed.rstrip().endswith("exit 0"), printed
                ran += 1
            shell.run("vestal start")
            shell.run(f"SOCKET={json.loads(shell.run('vestal status --json'))['socket']}")
        elif block.language == "python":
            (tmp_path / "work" / "program.py").write_text(text)
            printed = shell.run("python program.py; echo exit $?")
            assert printed.rstrip().endswith("exit 0"), printed
            ran += 1
        elif "pip install" not in text:
            ran += _run(shell, text)
    assert ran == 11


def _run(shell: Shell, text: str) -> int:
    """The lines of a block; every token asked for is one."""
    ran = 0
    for line in text.strip().splitlines():
        if line.startswith("vestal start"):
            shell.run("vestal stop")
        if line.startswith("vestal key add"):
            line = f"KEY=$({line})"
        printed = shell.run(line.replace("curl ", "curl -sS "))
        if line.startswith("curl"):
            assert json.loads(printed)["access_token"], printed
        ran += 1
    return ran
