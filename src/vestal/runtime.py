"""Where the daemon of a home is met: the folder of its socket and the socket in it. Daemon and clients both ask here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

LONGEST = 100
"""Bytes of a socket's path. The kernel takes 108 with the NUL at the end (unix(7)), macOS 104."""

SOCKET = "vestal.sock"


def runtime_dir(folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder (0700) of the socket of the home `folder`: `$VESTAL_RUNTIME_DIR`, or `run` in the home.

    Nothing is made or looked at.
    """
    named = environ.get("VESTAL_RUNTIME_DIR")
    return Path(named).expanduser().absolute() if named else folder.absolute() / "run"


def socket_path(folder: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """The Unix socket of the daemon of the home `folder`, whether one listens there or not.

    Where its path would be too long for a socket, it is in a folder named by a hash, under the user's runtime folder.
    A client checks who listens there (`vestal.daemon.peer`) before it believes a word.
    """
    path = runtime_dir(folder, environ) / SOCKET
    if len(os.fsencode(path)) <= LONGEST:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return _short_folder() / f"vestal-{name}" / SOCKET


def _short_folder() -> Path:
    """A folder of the user's own with a short name, the same in every session.

    $XDG_RUNTIME_DIR and $TMPDIR are not asked: a service and a shell, or cron, would not agree on them.
    """
    uid = os.getuid() if hasattr(os, "getuid") else 0
    given = Path(f"/run/user/{uid}")
    return given if given.is_dir() else Path(f"/tmp/vestal-{uid}")  # noqa: S108 - made 0700 and checked by the daemon
