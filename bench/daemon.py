"""The daemon's refresher: what many credentials cost at the start, and how many refreshes a second one process sustains.

The start is from the call to the end of the first look at the store, in a process of its own: the daemon answers before.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.result import Column, Row, Section, Value, Verdict
from vestal.core.credential import App, Credential, Past
from vestal.core.events import Event, Kind
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home
from vestal.testing.practice import PracticeServer, Settings

START_LIMIT, MEMORY_LIMIT = 5.0, 400.0
"""Seconds and MB for the largest crowd."""

LATENCY = 0.2
"""Seconds that the practice server takes for every answer."""

PAST = 8
"""Refreshes that each credential remembers."""


def measure(quick: bool) -> Section:
    crowds = (100, 1000) if quick else (100, 10_000, 100_000)
    rows = [_start(crowd) for crowd in crowds]
    refreshes = 40 if quick else 1000
    one = _sustained(refreshes, at_once=64, per_provider=8)
    wide = _sustained(refreshes, at_once=64, per_provider=64)
    largest = rows[-1].values
    seconds, memory = largest["seconds"], largest["memory"]
    assert isinstance(seconds, float)
    assert isinstance(memory, float)
    met = None if quick else seconds < START_LIMIT and memory < MEMORY_LIMIT
    return Section(
        name="daemon",
        title="the background refresher: start with many credentials; refreshes against a server with 200 ms latency",
        columns=[
            Column(key="seconds", heading="start s", format="{:.2f}"),
            Column(key="memory", heading="memory MB", format="{:.0f}"),
            Column(key="peak", heading="peak MB", format="{:.0f}"),
            Column(key="look", heading="next look s", format="{:.2f}"),
            Column(key="per_second", heading="refreshes/s", format="{:.1f}"),
            Column(key="share", heading="of the possible", format="{:.0%}"),
        ],
        rows=[*rows, one, wide],
        verdicts=[
            Verdict(
                target=f"{crowds[-1]:,} credentials start in {START_LIMIT:g} s and {MEMORY_LIMIT:g} MB",
                measured=f"{seconds:.2f} s, {memory:.0f} MB",
                met=met,
            )
        ],
        notes=[
            "start: from Home() until every credential has its time; the daemon answers long before.",
            "memory: resident, of the whole process with the interpreter; without the web server.",
            "of the possible: places / latency. Store, sealing and HTTP client run on the same cores as the server.",
        ],
    )


def _start(crowd: int) -> Row:
    """In a process of its own."""
    with TemporaryDirectory() as folder:
        home = Home(folder)
        _fill(home, crowd)
        command = [sys.executable, "-m", "bench.daemon", folder]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    values: dict[str, Value] = json.loads(ended.stdout)
    return Row(name=f"{crowd:,} credentials", values=values)


def _fill(home: Home, crowd: int) -> None:
    """Write the records at once: one by one, each with a sync of its own, would take an hour."""
    home.store.names()
    home.close()
    now = time.time()
    app = App(
        provider="custom",
        client_id="bench",
        client_secret=Secret("bench-secret"),
        settings={"token_url": "http://127.0.0.1:9/token"},
    )
    history = tuple(Past(at=now, what="refresh", version=number, detail="early") for number in range(PAST))

    def records() -> Iterator[tuple[str, int, int, str, bytes]]:
        for number in range(crowd):
            credential = Credential(
                name=f"team-{number % 100:02d}/user-{number:06d}",
                app=app,
                token=Token(Secret("a" * 43), version=PAST, issued_at=now, expires_at=now + 12 * 3600),
                refresh_token=Secret("r" * 43),
                version=PAST,
                revision=3 * PAST,
                refresh_count=PAST,
                history=history,
            )
            record = home.store._seal(credential)
            yield record.name, record.revision, record.version, record.public, record.sealed

    with sqlite3.connect(home.folder / "store.db") as db:
        db.executemany(
            "INSERT INTO credentials (name, revision, version, public, sealed) VALUES (?, ?, ?, ?, ?)", records()
        )
    db.close()


def start(folder: str) -> dict[str, float]:
    """In the process of its own: the refresher, until it knows everybody, and one more look."""
    from vestal.daemon.refresher import Refresher

    began = time.perf_counter()
    home = Home(folder)
    refresher = Refresher(home, period=1.0)
    refresher.start()
    while (first := refresher.status().last_look) is None:
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    while refresher.status().last_look == first:
        time.sleep(0.01)
    look, memory, peak = refresher.status().look_took, _memory("VmRSS"), _memory("VmHWM")
    refresher.stop()
    home.close()
    return {"seconds": seconds, "memory": memory, "peak": peak, "look": look}


def _memory(field: str) -> float:
    """MB (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html); not a number where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6


def _sustained(refreshes: int, *, at_once: int, per_provider: int) -> Row:
    """From the first request to the last answer of a crowd that is due."""
    from vestal.daemon.refresher import Refresher

    begun: list[float] = []
    moments: list[float] = []
    done = threading.Event()

    def hear(event: Event) -> None:
        if event.kind is Kind.INTENT_SAVED:
            begun.append(time.perf_counter())
        elif event.kind is Kind.REFRESHED:
            moments.append(time.perf_counter())
            if len(moments) == refreshes:
                done.set()

    settings = Settings(access_token_lifetime=12 * 3600, latency=LATENCY)
    with TemporaryDirectory() as folder, PracticeServer(settings) as server:
        home = Home(folder, listeners=[hear])
        app = App(
            provider="custom",
            client_id="practice",
            client_secret=Secret("practice-secret"),
            settings={"token_url": f"{server.url}/token"},
        )
        for number in range(refreshes):
            home.add(f"user/{number}", app, Secret(server.issue_refresh_token("practice")))
        refresher = Refresher(home, at_once=at_once, per_provider=per_provider)
        refresher.start()
        done.wait(600)
        refresher.stop()
        home.close()
    per_second = len(moments) / (moments[-1] - begun[0])
    values: dict[str, Value] = {"per_second": per_second, "share": per_second * LATENCY / per_provider}
    return Row(name=f"{per_provider} at a time", values=values, note=f"{os.cpu_count()} cores for both sides")


if __name__ == "__main__":
    print(json.dumps(start(sys.argv[1])))
