"""The page on the proxy, from its first block to its last, in one shell; the practice server is both of its hosts."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.session import ROOT, Block, Shell, blocks, commands, matches
from vestal.testing.practice import PracticeServer

PAGE = "docs/how-to/call-through-the-proxy.md"


@pytest.fixture
def server() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """With the client's secret in a file, and no daemon left behind."""
    folder = tmp_path / "work"
    folder.mkdir(mode=0o700)
    (folder / "secret").write_text("practice-secret")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VESTAL")}
    shell = Shell(folder, {**environment, "VESTAL_HOME": str(folder / "home")})
    yield shell
    shell.run("vestal stop")
    shell.close()


def test_the_page(shell: Shell, server: PracticeServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ran = 0
    for block in blocks(PAGE):
        assert block.language == "console"
        text = re.sub(r"https://\w+\.example\.com", server.url, block.text).replace("8378", port)
        text = text.replace("api.example.com", server.url.partition("://")[2]).replace("\\\n", "")
        for command, shown in commands(Block("console", text)):
            printed, _, exited = shell.run(f"{command}; echo exit $?").rpartition("exit ")
            assert exited.strip() == "0", f"$ {command}\n{printed}"
            assert not shown or matches(shown, printed), f"$ {command}\n{printed}"
            ran += 1
    assert ran == 7
    assert server.counters["resource.200"] == 2


def test_its_links_lead_somewhere() -> None:
    page = ROOT / PAGE
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
