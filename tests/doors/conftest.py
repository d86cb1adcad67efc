"""The real programs, with `vestal` in their PATH and a home of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.conftest import CLI, add
from tests.doors.guarded import Guarded
from vestal.testing.practice import PracticeServer

TOKENS = 3600


class House:
    """A home with the credential `acme`, and programs that are run beside it."""

    def __init__(self, folder: Path, server: PracticeServer) -> None:
        self.folder = folder
        self.server = server
        (folder / "home").mkdir(mode=0o700)
        (folder / "bin").mkdir()
        self.cli = CLI(folder / "home")
        server.settings.access_token_lifetime = TOKENS
        add(self.cli, server, "acme")
        kept = {name: value for name, value in self.cli.environment.items() if not name.startswith(("PIP_", "GIT_"))}
        path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environment = {**kept, "HOME": str(folder), "PATH": path, "NO_PROXY": "*"}

    @property
    def token(self) -> str:
        """The present token."""
        return self.cli("token", "acme").out.strip()

    def names(self, host: str, *more: str) -> None:
        """Say in hosts.toml that `host` gets the token."""
        lines = [f'["{host}"]', 'credential = "acme"', *more]
        (self.folder / "home" / "hosts.toml").write_text("\n".join(lines) + "\n")

    def run(
        self, *words: str, env: Mapping[str, str] | None = None, input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        return subprocess.run(
            words,
            env={**self.environment, **(env or {})},
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=self.folder,
        )

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of a shell."""
        return self.run("bash", "-o", "pipefail", "-c", command)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with PracticeServer() as server:
        yield House(tmp_path, server)


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    with Guarded() as guarded:
        yield guarded


@pytest.fixture
def over_tls(tmp_path: Path) -> Iterator[Guarded]:
    """The same, by https."""
    with Guarded(tls=tmp_path) as guarded:
        yield guarded


def check(run: subprocess.CompletedProcess[str]) -> str:
    """What a program that has ended well has printed."""
    assert run.returncode == 0, (run.args, run.stdout, run.stderr)
    return run.stdout
