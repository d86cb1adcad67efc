"""A worker process: `worker.py HOME herd THREADS TASKS`, `worker.py HOME crash POINT` or `worker.py HOME linger POINT`.

Says `ready` when everything is loaded, waits for a line, works, and says what came of it as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from collections import Counter

import cryptography.hazmat.primitives.ciphers.aead
import filelock
import httpx2
import pybreaker

import vestal.oauth2.refresh
from vestal.core.errors import VestalError
from vestal.core.events import Event, Kind
from vestal.core.refreshing import RefreshingSource
from vestal.home import Home

LOADED = (cryptography.hazmat.primitives.ciphers.aead, filelock, httpx2, pybreaker, vestal.oauth2.refresh)
NAME = "practice"


class Callers:
    """Threads and tasks that all ask for the token, and what they got."""

    def __init__(self, source: RefreshingSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self.versions: Counter[int] = Counter()
        self.errors: list[str] = []
        self.tokens: set[str] = set()

    def thread(self) -> None:
        try:
            token = self._source.token()
        except VestalError as error:
            self._failed(error)
        else:
            self._got(token.version, token.access_token.reveal())

    async def task(self) -> None:
        try:
            token = await self._source.atoken()
        except VestalError as error:
            self._failed(error)
        else:
            self._got(token.version, token.access_token.reveal())

    def _got(self, version: int, text: str) -> None:
        with self._lock:
            self.versions[version] += 1
            self.tokens.add(text)

    def _failed(self, error: VestalError) -> None:
        with self._lock:
            self.errors.append(f"{error.category.value}: {error}")


def herd(folder: str, threads: int, tasks: int) -> dict[str, object]:
    home = Home(folder)
    callers = Callers(home.source(NAME))
    crowd = [threading.Thread(target=callers.thread) for _ in range(threads)]

    async def ask() -> None:
        await asyncio.gather(*[callers.task() for _ in range(tasks)])

    ready()
    for thread in crowd:
        thread.start()
    asyncio.run(ask())
    for thread in crowd:
        thread.join()
    home.close()
    return {"versions": callers.versions, "errors": callers.errors, "tokens": sorted(callers.tokens)}


def crash(folder: str, point: str, linger: bool) -> dict[str, object]:
    """Killed at a point; one that lingers says so there, and waits for another line first."""

    def at(event: Event) -> None:
        if event.kind.value == point:
            if linger:
                ready()
            os.kill(os.getpid(), signal.SIGKILL)

    if point != "never":
        Kind(point)  # a name that is no event would crash nowhere
    home = Home(folder, listeners=[at])
    callers = Callers(home.source(NAME))
    ready()
    callers.thread()
    home.close()
    return {"versions": callers.versions, "errors": callers.errors, "tokens": sorted(callers.tokens)}


def ready() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def main() -> None:
    folder, what, *rest = sys.argv[1:]
    report = herd(folder, int(rest[0]), int(rest[1])) if what == "herd" else crash(folder, rest[0], what == "linger")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
