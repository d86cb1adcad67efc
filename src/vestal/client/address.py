"""Where a daemon listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from vestal.core.errors import ConfigError
from vestal.core.loopback import is_loopback

PORT = 8378
"""Of a daemon that listens on TCP, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Address:
    """A Unix socket's `path`, or else a `host` of this machine with a `port`."""

    path: str = ""
    host: str = ""
    port: int = 0
    ours: bool = False
    """Whether the socket must be in a folder of this user's own: so it is where it was found, and not named by anybody."""

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


def read_address(text: str) -> Address:
    """`http://127.0.0.1:8378`, `unix:/path` or a path. Raises `ConfigError`.

    Plain http does not leave this machine: the key and the tokens would be read on the way.
    """
    if text.startswith("unix:"):
        text = "/" + text.removeprefix("unix:").lstrip("/")
    if "://" not in text and "/" in text:
        return Address(path=str(Path(text).expanduser().absolute()))
    try:
        parts = urlsplit(text)
        scheme, host, port, rest = parts.scheme, parts.hostname or "", parts.port, parts.path.strip("/")
    except ValueError:
        scheme, host, port, rest = "", "", None, ""
    if scheme != "http" or not is_loopback(host) or rest:
        raise ConfigError(
            f"{text[:80]!r} is no address of a daemon on this machine",
            remedy=f"use http://127.0.0.1:{PORT} or the path of its socket; reach another machine's through ssh -L",
        )
    return Address(host=host, port=port or PORT)
