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

    Where its path would be too long for a socket, it is in a folder named by a hash, in the user's runtime folder or in
    /tmp. A client looks whose folder it is (`vestal.client.trusted`) before it says a word.
    """
    path = runtime_dir(folder, environ) / SOCKET
    if len(os.fsencode(path)) <= LONGEST:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return _short_folder(name) / SOCKET


def _short_folder(name: str) -> Path:
    """A folder of the user's own with a short name, the same in every session.

    $XDG_RUNTIME_DIR and $TMPDIR are not asked: a service and a shell, or cron, would not agree on them. It lies in /tmp
    itself, where only its owner can move it (the sticky bit), and not in a folder that somebody else may have made there.
    """
    uid = os.getuid() if hasattr(os, "getuid") else 0
    given = Path(f"/run/user/{uid}")
    return given / f"vestal-{name}" if given.is_dir() else Path(f"/tmp/vestal-{uid}-{name}")  # noqa: S108 - made 0700
