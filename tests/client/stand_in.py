"""A stand-in for a daemon: answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """One request."""

    line: str
    headers: dict[str, str]
    body: Any


@dataclass
class Reply:
    """What is answered: `values` as JSON, or `raw` as it stands."""

    values: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    raw: bytes | None = None

    def bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        body = json.dumps(self.values).encode()
        return f"HTTP/1.1 {self.status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


Answering = Callable[[Asked], Reply]


def token(version: int = 1, **values: Any) -> Reply:
    """A token for an hour."""
    told = {"access_token": f"token-{version}", "token_type": "Bearer", "expires_at": None, "expires_in": 3600}
    return Reply({**told, "scope": "read", "version": version, "refresh_after": 3000.0, **values})


def problem(category: str, status: int, **values: Any) -> Reply:
    """An error."""
    return Reply({"title": "x", "detail": "it went wrong", "category": category, **values}, status)


class StandIn:
    """A context manager. At `path`, or at a port of this machine."""

    def __init__(self, answer: Answering, path: Path | None = None) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path is not None:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        self._socket.bind(str(path) if path else ("127.0.0.1", 0))
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._serve)
        name = self._socket.getsockname()
        self.address = str(path) if path else f"http://127.0.0.1:{name[1]}"
        self._path = path

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join()
        self._socket.close()
        if self._path is not None:
            self._path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                line = stream.readline().decode().strip()
                headers: dict[str, str] = {}
                while text := stream.readline().decode().strip():
                    name, _, value = text.partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                asked = Asked(line, headers, json.loads(body) if body else None)
                self.asked.append(asked)
                with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough
                    connection.sendall(self.answer(asked).bytes())
