"""Who is at the other end of a Unix socket, as the kernel knows it."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Peer:
    """A process that connected. `pid` is None where the kernel does not tell."""

    uid: int
    pid: int | None = None


class Asked(Protocol):
    """A socket, or asyncio's view of one."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """As that of sockets."""


def peer_of(connection: Asked) -> Peer | None:
    """The peer of a connected Unix socket: its effective uid when it connected. None if the kernel can't tell.

    Linux: SO_PEERCRED, a `struct ucred` (unix(7)). macOS and FreeBSD: LOCAL_PEERCRED, a `struct xucred` (unix(4)).
    """
    try:
        if sys.platform == "linux":
            pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            return Peer(uid & 0xFFFFFFFF, pid or None)
        # SOL_LOCAL is 0 and LOCAL_PEERCRED 1; version, uid, number of groups, and the groups that don't matter here
        _, uid = struct.unpack_from("II", connection.getsockopt(0, 1, 76))
        return Peer(uid)
    except (OSError, struct.error):
        return None
