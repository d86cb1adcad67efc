"""The whole daemon with many credentials: how long it takes to start, what it has in memory, what a look at it costs.

`python -m bench.daemon_start FOLDER` measures in a process of its own how long the refresher looks at a home that it knows.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from secrets import token_urlsafe
from statistics import median
from tempfile import TemporaryDirectory

from bench.daemon import LIMIT, Failed, daemon, home_with_crowd, memory
from bench.result import Column, Row, Section, Value, Verdict
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.home import Home

START_LIMIT, MEMORY_LIMIT = 5.0, 400.0
"""Seconds and MB for the largest crowd."""

LAST = "zzz/the-last"

_COLUMNS = [
    Column(key="ready", heading="ready s", format="{:.2f}"),
    Column(key="known", heading="all known s", format="{:.2f}"),
    Column(key="memory", heading="memory MB", format="{:.0f}"),
    Column(key="peak", heading="peak MB", format="{:.0f}"),
    Column(key="look", heading="next look s", format="{:.2f}"),
    Column(key="status", heading="vestal status s", format="{:.2f}"),
]


def measure(quick: bool) -> Section:
    crowds = (100, 1000) if quick else (100, 10_000, 100_000)
    with TemporaryDirectory() as bytecode:
        environ = {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
        _started(10, environ, rounds=1)  # compiles what there is to compile
        rows = [_started(crowd, environ, rounds=1 if quick else 3) for crowd in crowds]
    return Section(
        name="daemon_start",
        title="`vestal serve` with many credentials in its home",
        columns=_COLUMNS,
        rows=rows,
        verdicts=[_verdict(rows[-1], quick)],
        notes=[
            "ready: from the start of the process to 200 at /readyz. all known: to the end of the first look at the store,",
            "seen at a credential that is due and comes last. Memory: resident, of the whole process, at that moment.",
            "next look: the refresher's, every 30 s, at a store in which nothing has changed; it answers meanwhile.",
        ],
    )


def _started(crowd: int, environ: dict[str, str], rounds: int) -> Row:
    with TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home_with_crowd(home, crowd)
        measured = []
        for _ in range(rounds):
            with closing(socket.create_server(("127.0.0.1", 0))) as endpoint:
                measured.append(_once(home, endpoint, environ))
        look = subprocess.run(
            [sys.executable, "-m", "bench.daemon_start", str(home)], capture_output=True, text=True, check=True
        )
    values: dict[str, Value] = {key: median(each[key] for each in measured) for key in measured[0]}
    return Row(name=f"{crowd:,} credentials", values={**values, "look": float(look.stdout)})


def _add_last(home: Path, port: int) -> None:
    """A credential behind all others that is due, at a token endpoint that is a socket of ours; one without a past."""
    opened = Home(home)
    app = App(
        provider="custom",
        client_id="bench",
        client_secret=Secret("bench-secret"),
        settings={"token_url": f"http://127.0.0.1:{port}/token"},
    )
    opened.add(LAST, app, Secret(token_urlsafe(32)), over=True)
    opened.close()


def _once(home: Path, endpoint: socket.socket, environ: dict[str, str]) -> dict[str, float]:
    endpoint.settimeout(LIMIT)
    _add_last(home, endpoint.getsockname()[1])
    began = time.perf_counter()
    with daemon(home, environ) as running:
        try:
            asking, _ = endpoint.accept()
        except TimeoutError:
            asking = None
        if asking is None:
            raise Failed("the daemon did not come to its last credential")
        known = time.perf_counter() - began
        with asking:
            values = {
                "ready": running.seconds,
                "known": known,
                "memory": memory(running.pid, "VmRSS"),
                "peak": memory(running.pid, "VmHWM"),
                "status": _status(home, environ),
            }
            _refuse(asking)
    return values


def _refuse(asking: socket.socket) -> None:
    """Answer the refresh so that it is not tried again: the daemon would end no sooner than that does."""
    body = b'{"error": "invalid_grant"}'
    head = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
    asking.settimeout(LIMIT)
    asking.recv(1 << 16)
    asking.sendall(b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body))


def _status(home: Path, environ: dict[str, str]) -> float:
    command = [str(Path(sys.executable).with_name("vestal")), "status"]
    began = time.perf_counter()
    subprocess.run(
        command, env={**os.environ, **environ, "VESTAL_HOME": str(home)}, check=True, capture_output=True, timeout=300
    )
    return time.perf_counter() - began


def _verdict(largest: Row, quick: bool) -> Verdict:
    known, used = largest.values["known"], largest.values["memory"]
    assert isinstance(known, float)
    assert isinstance(used, float)
    return Verdict(
        target=f"{largest.name}: all known within {START_LIMIT:g} s, in {MEMORY_LIMIT:g} MB",
        measured=f"{known:.2f} s, {used:.0f} MB",
        met=None if quick else known < START_LIMIT and used < MEMORY_LIMIT,
    )


def look(folder: str) -> float:
    """Seconds that the refresher's second look takes."""
    from vestal.daemon.refresher import Refresher

    home = Home(folder)
    home.remove(LAST)  # which is due
    refresher = Refresher(home, period=1.0)
    refresher.start()
    while (first := refresher.status().last_look) is None:
        time.sleep(0.01)
    while refresher.status().last_look == first:
        time.sleep(0.01)
    took = refresher.status().look_took
    refresher.stop()
    home.close()
    return took


if __name__ == "__main__":
    print(look(sys.argv[1]))
