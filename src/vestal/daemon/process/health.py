"""Asking a daemon whether it is well, at its socket, with nothing but the standard library; and whose it is."""

from __future__ import annotations

import http.client
import os
import socket

_SMALL = 1 << 16


def stranger(uid: int) -> str | None:
    """The name of the user with this number, if that is not ours: their daemon answers nobody else, not even root."""
    if not hasattr(os, "geteuid") or uid == os.geteuid():
        return None
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


class _AtSocket(http.client.HTTPConnection):
    """An HTTP connection to a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


def healthy(path: str, timeout: float = 2.0) -> bool:
    """Whether a daemon at the socket `path` answers GET /healthz with 200 within so many seconds."""
    connection = _AtSocket(path, timeout)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        answer = connection.getresponse()
        answer.read(_SMALL)
        return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
