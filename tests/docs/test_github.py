"""The pages on GitHub, run as they stand there, at the stub."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.docs.github import GitHub, github
from tests.docs.session import Block, Shell, blocks, commands, matches


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the reader works: a private folder."""
    folder = tmp_path / "work"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def hub(folder: Path) -> Iterator[GitHub]:
    with github(folder) as hub:
        yield hub


@pytest.fixture
def shell(folder: Path, hub: GitHub) -> Iterator[Shell]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VESTAL", "GITHUB_", "GIT_"))}
    shell = Shell(folder, {**clean, "VESTAL_HOME": str(folder / "home"), **hub.environment(folder)})
    yield shell
    shell.close()


def run(
    page: str, hub: GitHub, shell: Shell, folder: Path, before: Mapping[int, Callable[[], object]] | None = None
) -> int:
    """Run a page's commands and programs in their order. `before`: what happens first, by the command's number.

    Of blocks of `sh`, which can't be run, the options are checked. How many commands and programs there were.
    """
    ran = 0
    for block in blocks(page):
        here = Block(block.language, hub.here(block.text))
        if block.language == "python":
            (folder / "program.py").write_text(here.text)
            printed = shell.run("python program.py; echo exit $?")
            assert printed.rstrip().endswith("exit 0"), f"{block.text}\n{printed}"
            ran += 1
            continue
        if block.language == "sh":
            for line in block.text.splitlines():
                check_options(line)
            continue
        assert block.language == "console"
        for command, shown in commands(here):
            (before or {}).get(ran, lambda: None)()
            printed = shell.run(command)
            assert matches(shown, printed), f"$ {command}\n{printed}"
            ran += 1
    return ran


def check_options(line: str) -> None:
    """A command that needs a person: see that it is there, and its options."""
    words = shlex.split(line)
    if words[0] != "vestal":
        return
    names = [word for word in words[1:] if not word.startswith("-")]
    run = [sys.executable, "-m", "vestal", names[0], "--help"]
    helped = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    for word in words[1:]:
        assert not word.startswith("-") or re.search(rf"(?<![\w-]){word}(?![\w-])", helped), word


def test_how_to_act_as_an_app(hub: GitHub, shell: Shell, folder: Path) -> None:
    assert run("docs/how-to/github-app.md", hub, shell, folder) == 17
    statuses = hub.stub.world.repository("acme/widgets").statuses
    assert [one.context for each in statuses.values() for one in each] == ["acme-bot"]
    assert (folder / "secret" / ".git").is_dir()
    assert not (folder / "acme-bot.private-key.pem").exists()


def test_how_to_use_several_tokens(hub: GitHub, shell: Shell, folder: Path) -> None:
    assert run("docs/how-to/github-tokens.md", hub, shell, folder) == 7
    assert {entry.owner for entry in hub.stub.log} >= {hub.stub.owner_of(hub.tokens[who]) for who in ("alice", "bob")}


def test_how_to_fetch_pull_requests(hub: GitHub, shell: Shell, folder: Path) -> None:
    fresh = f"export GITHUB_SEEDING_TOKENS={hub.tokens['carol']}"
    before = {3: hub.exhaust, 5: lambda: shell.run(fresh)}
    assert run("docs/how-to/github-pull-requests.md", hub, shell, folder, before) == 12
    assert (folder / "widgets.checkpoint").exists()


def test_the_readme_on_github(hub: GitHub, shell: Shell, folder: Path) -> None:
    section = next(block for block in blocks("README.md") if "vestal github" in block.text)
    add, fetch, limits = hub.here(section.text).splitlines()
    assert shell.run(add).startswith("acme-bot: added")
    assert "prs.jsonl: " in shell.run(fetch)
    assert "graphql" in shell.run(limits)
    assert (folder / "prs.jsonl").stat().st_size
    assert not any(entry.owner == hub.stub.owner_of(hub.tokens["alice"]) for entry in hub.stub.log)
