"""Make `.venv` in the checkout, with Vestal and what its tests need. Does nothing where that is up to date.

Run by any Python 3; picks the newest interpreter from 3.11 on that really runs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".up-to-date"
OLDEST = (3, 11)
PROBE = "import sys, ssl, sqlite3, ctypes, venv; print(sys.version_info[0], sys.version_info[1])"


def version(python: str) -> tuple[int, int] | None:
    """The version of an interpreter as a pair, or None if it does not run or lacks a part that Vestal needs."""
    try:
        run = subprocess.run([python, "-c", PROBE], capture_output=True, text=True, timeout=60, check=True)
        major, minor = run.stdout.split()
        return int(major), int(minor)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def interpreters() -> Iterator[str]:
    """Where an interpreter may be: this one, the PATH, and pyenv's folder."""
    yield sys.executable
    for minor in range(20, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from (str(python) for python in sorted(pyenv.glob("versions/3.*/bin/python")))


def newest() -> tuple[tuple[int, int], str]:
    """The newest interpreter that runs."""
    runnable = [(found, python) for python in interpreters() if (found := version(python)) and found >= OLDEST]
    if not runnable:
        sys.exit("vestal needs Python {}.{} or newer, and found none that runs".format(*OLDEST))
    return max(runnable, key=lambda pair: pair[0])


def wanted() -> str:
    """What the environment depends on, as one digest."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", "tools/constraints.txt", "tools/setup.py"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Make the environment, or bring it up to date."""
    python = VENV / "bin" / "python"
    has = version(str(python))
    done = STAMP.read_text().split() if has and STAMP.exists() else []
    groups = {"dev", *sys.argv[1:], *done[1:]}
    if done == [wanted(), *sorted(groups)]:
        return
    (major, minor), base = newest()
    print(f"setting up .venv with Python {major}.{minor}", flush=True)
    if has != (major, minor):
        subprocess.run([base, "-m", "venv", "--clear", str(VENV)], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)  # the first that knows --group
    arguments = ["--constraint", "tools/constraints.txt", "--editable", "."]
    for group in sorted(groups):
        arguments += ["--group", group]
    subprocess.run([*pip, *arguments], check=True, cwd=ROOT)
    STAMP.write_text(" ".join([wanted(), *sorted(groups)]))


if __name__ == "__main__":
    main()
