"""The daemon in a process of its own, as `vestal start` has it, for all that measures it; and homes for it."""

from __future__ import annotations

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.good import good_source
from vestal.core.credential import App, Credential, Past
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.access import Access
from vestal.daemon.process.logs import log_folder
from vestal.daemon.process.pid_file import PidFile
from vestal.home import Home
from vestal.stores.files import make_private_folder

LIMIT = 60.0
"""Seconds after which a daemon that does not answer has failed."""

PAST = 8
"""Refreshes that each credential of a crowd remembers."""


class Failed(Exception):
    """A daemon did not do what it is for."""


@dataclass(frozen=True)
class Daemon:
    """One that runs."""

    pid: int
    socket: str
    tcp: tuple[str, int]
    seconds: float
    """From its start to the first 200 at /readyz."""


@contextmanager
def daemon(home: Path, environ: dict[str, str] | None = None) -> Iterator[Daemon]:
    """The daemon of a home, at a Unix socket beside it and at a free TCP port; stopped at the end. Raises `Failed`."""
    path = home.with_name("daemon.sock")
    make_private_folder(log_folder(home))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VESTAL", "NOTIFY"))}
    command = [sys.executable, "-m", "vestal", "serve", "--background", f"--socket={path}", "--tcp=127.0.0.1:0"]
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, env={**clean, **(environ or {}), "VESTAL_HOME": str(home)}
    )
    try:
        while not _ready(path):
            if process.poll() is not None or time.perf_counter() - began > LIMIT:
                raise Failed(f"the daemon did not start: {(log_folder(home) / 'daemon-error.log').read_text()[-500:]}")
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        told = PidFile(home).read()
        assert told is not None
        assert told.tcp is not None
        yield Daemon(process.pid, str(path), told.tcp, seconds)
    finally:
        process.terminate()
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class At(http.client.HTTPConnection):
    """A connection to a Unix socket, or to a host and port."""

    def __init__(self, address: str | tuple[str, int]) -> None:
        super().__init__("127.0.0.1", timeout=LIMIT)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET)
        self.sock.settimeout(LIMIT)
        self.sock.connect(self._address)


def _ready(path: Path) -> bool:
    connection = At(str(path))
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def home_with_token(folder: Path, **settings: str) -> Secret:
    """Make a home with one credential, whose token is good for long; an API key for it."""
    with ExitStack() as resources:
        good_source(resources, folder, **settings)
    access = Access(folder)
    try:
        return access.add("bench", ["*"], ["token"])
    finally:
        access.close()


def home_with_crowd(folder: Path, crowd: int) -> None:
    """Make a home with so many credentials, none of them due.

    Their records are written at once: one by one, each with a sync of its own, would take an hour.
    """
    home = Home(folder)
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

    with sqlite3.connect(folder / "store.db") as db:
        db.executemany(
            "INSERT INTO credentials (name, revision, version, public, sealed) VALUES (?, ?, ?, ?, ?)", records()
        )
    db.close()
    home.close()


def memory(pid: int | str, field: str) -> float:
    """MB (https://man7.org/linux/man-pages/man5/proc_pid_status.5.html); not a number where there is no /proc."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return float("nan")
    line = next(line for line in status.read_text("utf-8").splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6
