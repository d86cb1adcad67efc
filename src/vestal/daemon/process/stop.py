"""Stopping the daemon: it is asked, and given time, before it is made to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from vestal.core.errors import UnexpectedError
from vestal.daemon.process.pid_file import PidFile, Running, process_of

TIMEOUT = 60.0
"""Seconds that a daemon has to drain. A redemption under way should end in them: killed, it has to be recovered."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A daemon that ran. `killed`: it did not end by itself."""

    running: Running
    killed: bool


def stop(home: Path, *, timeout: float = TIMEOUT) -> Stopped | None:
    """End the daemon of the home `home` by SIGTERM, and after so many seconds by SIGKILL; None if none runs.

    Raises `ConfigError` if it is not known who runs, and `UnexpectedError` if it can't be ended.
    """
    pid_file = PidFile(home)
    running = pid_file.running()
    process = None if running is None else process_of(running)
    if running is None or process is None:
        pid_file.clear()
        return None
    import psutil

    trouble, killed = "", False
    try:
        process.terminate()
        if not _gone(running, timeout):
            killed = True
            process.kill()
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        trouble = "it belongs to another user"
    if not trouble and not _gone(running, 10.0):
        trouble = "it does not end"
    if trouble:
        raise UnexpectedError(
            f"the daemon, process {running.pid}, can't be stopped: {trouble}", remedy="stop it by hand"
        )
    pid_file.clear()
    return Stopped(running, killed)


def _gone(running: Running, timeout: float) -> bool:
    """Wait until the process has ended. It lets go of the home before: a refresh may still be under way in it then."""
    until = time.monotonic() + timeout
    while process_of(running) is not None:
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
