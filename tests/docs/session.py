"""Runs what a page of the documentation says, block by block, in one shell, and compares what it prints."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page under the project's root, in order."""
    return [Block(*match.groups()) for match in _BLOCK.finditer((ROOT / page).read_text())]


def commands(block: Block) -> list[tuple[str, str]]:
    """A console block as commands (behind `$ `) with what they are shown to print."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, output = found[-1]
            found[-1] = command, output + line + "\n"
    return found


def matches(shown: str, printed: str) -> bool:
    """Whether `printed` is what is shown, where `...` stands for anything; columns are as wide as what is in them."""
    pattern = ".*".join(re.escape(part) for part in shown.strip().split("..."))
    pattern = re.sub(r"(\\ ){2,}", r"\\s+", pattern)
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


class Shell:
    """One bash that keeps its directory and environment between commands."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        path = f"{Path(sys.executable).parent}:{environment['PATH']}"
        self._process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env={**environment, "PATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """Run a command and give what it prints, errors too."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        end = f"end-{uuid.uuid4()}"
        self._process.stdin.write(f"{command}\nprintf '\\n%s %s\\n' {end} $?\n")
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            if line.startswith(end):
                return printed
            printed += line
        raise AssertionError(f"the shell ended in {command!r}: {printed}")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
