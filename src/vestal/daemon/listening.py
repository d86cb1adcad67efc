"""The sockets that the daemon listens at, bound by us: uvicorn would make its Unix socket open to everyone (0666)."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from vestal.core.errors import ConfigError
from vestal.daemon.peer import peer_of
from vestal.runtime import LONGEST
from vestal.stores.files import make_private_folder

PORT = 8378
"""Where the daemon listens for TCP, unless it is told otherwise."""


def unix_socket(path: Path) -> socket.socket:
    """A Unix socket of mode 0600 in a folder of mode 0700, bound and not listening yet.

    One that a daemon left behind is replaced. Raises `ConfigError` if somebody listens there, and if it can't be made.
    """
    if len(os.fsencode(path)) > LONGEST:
        raise ConfigError(
            f"the socket's path is longer than {LONGEST} bytes: {path}", remedy="name a shorter one by --socket"
        )
    make_private_folder(path.parent)
    _clear(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    trouble = ""
    before = os.umask(0o177)  # the socket is never open to others, not even for the moment before a chmod
    try:
        made.bind(os.fspath(path))
        return made
    except OSError as error:
        trouble = error.strerror or "it can't be made"
    finally:
        os.umask(before)
    made.close()
    raise ConfigError(f"the socket {path} can't be made: {trouble}", remedy="name another one by --socket")


def _clear(path: Path) -> None:
    """Remove the socket of a daemon that was killed. The one that listens is found by asking it, not by its file."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{path} can't be looked at: {error.strerror}", remedy="check the folders above it") from None
    if not stat.S_ISSOCK(status.st_mode):
        raise ConfigError(
            f"{path} is there and is not a socket", remedy="move it away, or name another one by --socket"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a backlog that is full is somebody, too
        code = probe.connect_ex(os.fspath(path))
        peer = peer_of(probe) if code == 0 else None
    if code != errno.ECONNREFUSED:
        who = f"process {peer.pid}" if peer is not None and peer.pid else "another process"
        raise ConfigError(f"{who} listens at {path}", remedy="stop it first, or name another socket by --socket")
    with suppress(FileNotFoundError):
        path.unlink()


def tcp_socket(host: str, port: int) -> socket.socket:
    """A TCP socket that listens at `host`. Port 0: a free one. Raises `ConfigError`.

    It listens already because two sockets may be bound to one port with SO_REUSEADDR, and only one of them may listen.
    """
    trouble = ""
    made: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not held up by the connections of the one before
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # [::] says nothing of IPv4
        made.bind(address)
        made.listen()
        return made
    except (OSError, UnicodeError) as error:  # a name that no DNS could hold is a UnicodeError
        trouble = getattr(error, "strerror", None) or "there can be no such host"
    if made is not None:
        made.close()
    raise ConfigError(f"can't listen at {authority(host, port)}: {trouble}", remedy="choose another by --tcp")


def authority(host: str, port: int) -> str:
    """`host:port`, as it stands in URLs (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def remove_socket(path: Path, made: os.stat_result) -> None:
    """Remove a socket at the end of its daemon, unless another one has taken its place."""
    with suppress(OSError):
        now = path.lstat()
        if (now.st_dev, now.st_ino) == (made.st_dev, made.st_ino):
            path.unlink()
