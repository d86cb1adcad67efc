"""Whose socket it is. The command line looks here before it does anything else, so there is little to import."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def is_ours(path: Path) -> bool:
    """Whether there is a socket at `path` that nobody but us (or root) can have put there. Raises nothing."""
    try:
        folder, there = path.parent.stat(), path.stat()
    except OSError:
        return False
    me = os.geteuid() if hasattr(os, "geteuid") else folder.st_uid
    private = folder.st_uid == me and not stat.S_IMODE(folder.st_mode) & 0o022
    return private and there.st_uid == me and stat.S_ISSOCK(there.st_mode)
