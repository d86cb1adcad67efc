"""The real command line: every test runs `python -m vestal` in a process of its own, with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from vestal.core.credential import Credential
from vestal.home import Home
from vestal.testing.practice import PracticeServer

CLIENT_SECRET = "practice-secret"


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def fails(self, code: int, *words: str) -> Result:
        """Check that it failed as it should: the exit code, nothing but one line, the words in it, no traceback."""
        assert self.code == code, self
        assert self.out == "", self
        assert self.err.startswith("vestal: "), self
        assert self.err.endswith("\n"), self
        assert self.err.count("\n") == 1, self
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err, self
        return self


class CLI:
    """`vestal`, with a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("VESTAL", "_VESTAL"))}
        self.environment = {**clean, "VESTAL_HOME": str(folder), "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "vestal", *arguments]

    def __call__(
        self,
        *arguments: str,
        input: str | bytes = "",
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Result:
        """Run a command to its end."""
        run = subprocess.run(
            self.command(*arguments),
            input=input.encode() if isinstance(input, str) else input,
            env={**self.environment, **(env or {})},
            capture_output=True,
            timeout=120,
            preexec_fn=before,
        )
        return Result(run.returncode, run.stdout.decode(), run.stderr.decode())

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command; the caller ends it."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self.environment, **(env or {})},
            text=True,
        )

    def home(self) -> Home:
        """The same home, seen from Python."""
        return Home(self.folder)


@pytest.fixture
def cli(tmp_path: Path) -> CLI:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return CLI(folder)


@pytest.fixture
def server() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


def add(cli: CLI, server: PracticeServer, name: str = "alice", *options: str) -> str:
    """A credential with a refresh token of the practice server; the refresh token."""
    refresh_token = server.issue_refresh_token("practice")
    result = cli(
        "add",
        name,
        *("--issuer", server.url, "--client-id", "practice", "--client-secret-env", "SECRET"),
        *("--refresh-token-file", "-", *options),
        input=refresh_token + "\n",
        env={"SECRET": CLIENT_SECRET},
    )
    assert result.code == 0, result
    return refresh_token


def add_robot(cli: CLI, server: PracticeServer, name: str = "robot", *options: str) -> None:
    """A credential with the client credentials grant."""
    result = cli(
        "add",
        name,
        *("--token-url", f"{server.url}/token", "--client-id", "practice", "--client-secret-env", "SECRET", *options),
        env={"SECRET": CLIENT_SECRET},
    )
    assert result.code == 0, result


def age(cli: CLI, name: str, seconds: float) -> None:
    """Make a credential's token so much older."""
    home = cli.home()

    def change(credential: Credential) -> Credential:
        token = credential.token
        assert token is not None
        assert token.expires_at is not None
        older = replace(token, expires_at=token.expires_at - seconds, issued_at=token.issued_at - seconds)
        return replace(credential, token=older)

    home.lifecycle.update(name, change)
    home.close()
