"""A worker process of a pool: `pool_worker.py FOLDER SCRIPT`, where SCRIPT is a `Script` as JSON.

Says `ready`, waits for a line, sends requests until the pool is exhausted, and says what came of it as one line of JSON.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from vestal.core.clock import SystemClock
from vestal.core.errors import AllExhausted, VestalError
from vestal.core.pool import Member, Pool, Reservation
from vestal.core.quota import Charge, Terms, Told
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.stores.sqlite import SQLiteBackend

WINDOW = 3600.0
BEGIN = 1_800_000_000.0


@dataclass(frozen=True)
class Script:
    """What a worker does."""

    threads: int = 1
    owners: int = 4
    quota: int = 250
    headroom: int = 0
    later: float = 0.0
    """Seconds by which its clock is ahead."""
    loss: float = 0.0
    """The share of replies that are lost, half of them after the service has counted the request."""
    dies_after: int | None = None
    """Requests after which it kills itself, with all that is under way."""
    stops_after: int | None = None
    """Requests after which its threads send no more."""

    def dumps(self) -> str:
        return json.dumps(asdict(self))


class Ahead(SystemClock):
    """A clock that is ahead of the system's."""

    def __init__(self, seconds: float) -> None:
        self.now = lambda: time.time() + seconds


class Service:
    """Counts the requests of each owner in a file. Knows nothing of pools."""

    def __init__(self, folder: Path, quota: int) -> None:
        self.folder = folder
        self.quota = quota

    def request(self, owner: str, now: float) -> Told:
        """Serve or refuse one request, and tell what is left."""
        path = self.folder / owner
        with path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            state = json.loads(file.read() or "null") or {"used": 0, "ends_at": 0.0, "served": 0, "refused": 0}
            if now >= state["ends_at"]:
                state |= {"used": 0, "ends_at": int(now + WINDOW)}
            within = state["used"] < self.quota
            state["used"] += within
            state["served" if within else "refused"] += 1
            file.truncate(0)
            file.write(json.dumps(state))
        return Told("core", self.quota, self.quota - state["used"], state["ends_at"])

    def total(self, what: str) -> int:
        """Of all owners and windows: `served` or `refused`."""
        return sum(json.loads(path.read_text())[what] for path in self.folder.iterdir())


class Workers:
    """The threads of one process."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.script = script
        self.clock = Ahead(script.later)
        self.service = Service(folder / "service", script.quota)
        self.backend = SQLiteBackend(folder / "home" / "store.db")
        members = [
            Member(f"m{number}", StaticSource(Token(Secret(f"t{number}"))), f"o{number}", script.headroom)
            for number in range(script.owners)
        ]
        self.pool = Pool(members, ledger=self.backend.ledger, clock=self.clock, terms=Terms(), name="test")
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()

    def run(self) -> Counter[str]:
        threads = [threading.Thread(target=self.work) for _ in range(self.script.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.counts

    def work(self) -> None:
        while self.script.stops_after is None or self.counts["sent"] < self.script.stops_after:
            try:
                reservation = self.pool.reserve(Charge("core"))
            except AllExhausted:
                self.count("exhausted")
                return
            except VestalError as error:
                self.count(repr(error))
                return
            self.send(reservation)

    def send(self, reservation: Reservation) -> None:
        time.sleep(random.uniform(0, 0.004))
        if self.count("sent") == self.script.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        luck = random.random()
        told = None if luck < self.script.loss / 2 else self.service.request(reservation.member.owner, self.clock.now())
        time.sleep(random.uniform(0, 0.004))
        self.pool.settle(reservation, None if luck < self.script.loss else told)

    def count(self, what: str) -> int:
        with self.lock:
            self.counts[what] += 1
            return self.counts[what]


def main(folder: str, script: str) -> None:
    workers = Workers(Path(folder), Script(**json.loads(script)))
    workers.pool.states()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(workers.run()), flush=True)
    workers.backend.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
