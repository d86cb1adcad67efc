"""A `bench.crowd` process, seen from the one that gives it its orders. A peer that hangs is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import Any, Self

from bench.peers.peer import Grant, NotHandled

LIMIT = 40.0
"""Seconds after which a child that says nothing is taken for stuck."""


class Stuck(Exception):
    """The child said nothing, and was killed."""


class Child:
    """One process for one peer."""

    def __init__(self, peer: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.crowd", peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def prepare(self, what: str, count: int, grant: Grant) -> None:
        """Have everything built that the callers share. Raises `NotHandled` and `Stuck`."""
        self._tell({"do": "prepare", "what": what, "count": count, "grant": asdict(grant)})
        self.hear()

    def go(self) -> None:
        """Let the callers go; `hear` what came of it."""
        self._tell({"do": "go"})

    def hear(self) -> dict[str, Any]:
        """What it says next. Raises `NotHandled` and `Stuck`."""
        assert self._process.stdout is not None
        patience = threading.Timer(LIMIT, self._process.kill)
        patience.start()
        try:
            line = self._process.stdout.readline()
        finally:
            patience.cancel()
        if not line:
            raise Stuck
        said = json.loads(line)
        if isinstance(said, dict) and "not_handled" in said:
            raise NotHandled(said["not_handled"])
        return said if isinstance(said, dict) else {}

    def _tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
