"""Opening a browser without harm: never one that takes over the terminal, and nothing that it prints reaches stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def open_browser(address: str) -> bool:
    """Open an address in the person's browser. False where there is none to be opened."""
    if not may_have_one(os.environ, sys.platform):
        return False
    import webbrowser

    sys.stdout.flush()
    stdout = os.dup(1)
    try:
        os.dup2(2, 1)  # what the browser prints goes to stderr
        return webbrowser.open(address)
    except (webbrowser.Error, OSError):
        return False
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def may_have_one(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser with a window can be expected. Without a display Python would start lynx, in this terminal."""
    if environ.get("BROWSER"):
        return True
    if platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or environ.get("WSL_DISTRO_NAME"))


def may_have_one_here() -> bool:
    """The same of this process."""
    return may_have_one(os.environ, sys.platform)


def open_file(path: Path) -> bool:
    """Open a file in the person's browser: unlike an address, its name gives nothing away in the list of processes."""
    return open_browser(path.as_uri())
