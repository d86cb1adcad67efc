"""Gateways that run."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.gateways.gateways import COMMANDS, Addresses, Kind


@dataclass(frozen=True)
class Answer:
    """What a gateway's client gets."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.status} {self.headers} {self.body.decode('utf-8', 'replace')}"

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Gateway:
    """A gateway, seen by its clients."""

    kind: Kind
    port: int
    folder: Path

    def ask(self, target: str = "/", method: str = "GET", *headers: tuple[str, str], body: bytes = b"") -> Answer:
        """Send a request, with its target and headers as they are."""
        given = {name.lower() for name, _ in headers}
        usual = ("Host", f"127.0.0.1:{self.port}"), ("Connection", "close"), ("Content-Length", str(len(body)))
        sent = [*headers, *(each for each in usual if each[0].lower() not in given)]
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in sent)
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(head.encode("latin-1") + b"\r\n" + body)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            with answer:
                return Answer(answer.status, answer.getheaders(), answer.read())

    @property
    def written(self) -> str:
        """All that it has written to its logs."""
        return "".join((self.folder / name).read_text() for name in ("log", "access") if (self.folder / name).exists())


@contextmanager
def running(kind: Kind, addresses: Addresses, folder: Path) -> Iterator[Gateway]:
    """A gateway in the foreground, which is stopped at the end."""
    folder.mkdir()
    for _ in range(3):
        gateway = Gateway(kind, _free_port(), folder)
        with _process(gateway, COMMANDS[kind.program](kind, addresses, folder, gateway.port), addresses) as process:
            if _serves(gateway, process):
                yield gateway
                return
    raise AssertionError(f"{kind} does not start: {gateway.written}")


@contextmanager
def _process(gateway: Gateway, command: list[str], addresses: Addresses) -> Iterator[subprocess.Popen[bytes]]:
    home = str(gateway.folder)
    own = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "SSL_CERT_FILE": str(addresses.trusted)}
    with (gateway.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, env={**os.environ, **own}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serves(gateway: Gateway, process: subprocess.Popen[bytes]) -> bool:
    """Wait until it does. It ends by itself where somebody else has taken its port."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        try:
            if gateway.kind.program != "traefik":
                socket.create_connection(("127.0.0.1", gateway.port), timeout=5).close()
                return True
            if gateway.ask().body != b"404 page not found\n":  # it listens before it knows where to
                return True
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
