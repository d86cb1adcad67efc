"""Daemons to test: real processes, with a tiny application in the place of the API."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import AF_UNIX
from socket import socket as Socket

from vestal.daemon.process.pid_file import PidFile, Running
from vestal.daemon.process.start import Options, start
from vestal.runtime import socket_path

TINY = str(Path(__file__).with_name("tiny_daemon.py"))


class House:
    """A home whose daemon is the tiny one, steered by files in `steer`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "home"
        self.steer = folder / "steer"
        self.steer.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("VESTAL", "NOTIFY"))}
        self.environ = {**clean, "VESTAL_HOME": str(self.folder), "TINY": str(self.steer), "PYTHONUTF8": "1"}
        self.pid_file = PidFile(self.folder)

    @property
    def socket(self) -> Path:
        return socket_path(self.folder, self.environ)

    def start(self, *arguments: str, options: Options | None = None, timeout: float = 30.0) -> Running:
        """Start it in the background."""
        command = [sys.executable, TINY, *arguments]
        return start(self.folder, options or Options(), command=command, environ=self.environ, timeout=timeout)

    @contextmanager
    def foreground(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Run it in the foreground, where it has started or ended; killed at the end if it still runs then."""
        with self.foreground_at_once(*arguments, **environ) as process:
            wait_for(lambda: process.poll() is not None or self.state() == "running")
            yield process

    @contextmanager
    def foreground_at_once(self, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
        """The same, without waiting."""
        process = subprocess.Popen(
            [sys.executable, TINY, *arguments],
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def state(self) -> str | None:
        """What the pid file says."""
        told = self.pid_file.read()
        return None if told is None else told.state

    def wait_for_file(self, name: str) -> None:
        wait_for((self.steer / name).exists)

    def connect(self) -> Socket:
        made = Socket(AF_UNIX)
        made.settimeout(30)
        made.connect(str(self.socket))
        return made

    def ask(self, path: str) -> Socket:
        """A connection on which a request has been sent."""
        made = self.connect()
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return made

    def get(self, path: str) -> bytes:
        """The body of the answer to a request."""
        with self.ask(path) as connection:
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            with answer:
                assert answer.status == 200
                return answer.read()


def wait_for(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so."""
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


def read_all(connection: Socket) -> bytes:
    """All that comes until the other end closes, or breaks it off."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
