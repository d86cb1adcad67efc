"""`vestal github` as a process, against the stub."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.cli.conftest import CLI, Result
from tests.github.stub.server import Stub

EVERYTHING = ("--since", "2000-01-01", "--open", "--drafts")


class GitHubCLI(CLI):
    """`vestal github`, with a home of its own, and the tokens of some people in its environment."""

    def __init__(self, folder: Path, stub: Stub, *logins: str) -> None:
        super().__init__(folder)
        self.stub = stub
        self.tokens = [stub.add_pat(login) for login in logins]
        names = ("GITHUB_", "GIT_", "HTTP_PROXY", "HTTPS_PROXY")
        clean = {name: value for name, value in self.environment.items() if not name.upper().startswith(names)}
        asking = {"GITHUB_SEEDING_TOKENS": ",".join(self.tokens), "GITHUB_API_BASE_URL": stub.url}
        self.environment = {**clean, **asking}

    def github(self, *arguments: str, input: str | bytes = "", env: Mapping[str, str] | None = None) -> Result:
        return self("github", *arguments, input=input, env=env)

    def killed_after(self, requests: int, *arguments: str) -> int:
        """Run a command, and kill -9 it when the stub has seen so many more requests, or it ends; its exit code."""
        seen = len(self.stub.log)
        process = self.start("github", *arguments)
        with process:
            while process.poll() is None:
                if len(self.stub.log) - seen >= requests:
                    process.kill()
                    break
                try:
                    process.wait(0.002)
                except subprocess.TimeoutExpired:
                    continue
            process.communicate()
        return process.returncode


def private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path
