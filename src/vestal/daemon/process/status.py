"""How the daemon of a home is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vestal.daemon.process.health import healthy
from vestal.daemon.process.pid_file import PidFile, process_of

if TYPE_CHECKING:
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a daemon; of one that does not run, nothing but that.

    `status` is `running`, `starting`, `stopping`, `unresponsive` (it lives and does not answer) or `stopped`.
    """

    status: str
    pid: int | None = None
    uptime_seconds: float | None = None
    memory_mb: float | None = None
    """What it has in memory (RSS), in MiB."""
    cpu_percent: float | None = None
    """Of one processor, while it was looked at."""
    url: str | None = None
    socket: str | None = None
    version: str | None = None

    @property
    def uptime(self) -> str | None:
        """As `Xm Ys`."""
        if self.uptime_seconds is None:
            return None
        minutes, seconds = divmod(int(self.uptime_seconds), 60)
        return f"{minutes}m {seconds}s"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "status": self.status,
            "pid": self.pid,
            "uptime": self.uptime,
            "uptime_seconds": None if self.uptime_seconds is None else int(self.uptime_seconds),
            "memory_mb": self.memory_mb,
            "cpu_percent": self.cpu_percent,
            "url": self.url,
            "socket": self.socket,
            "version": self.version,
        }


def status(home: Home, *, look: float = 0.1) -> Status:
    """How the daemon of a home is; its processor time is measured for `look` seconds. Raises `ConfigError`."""
    running = PidFile(home.folder).running()
    process = None if running is None else process_of(running)
    if running is None or process is None:
        return Status("stopped")
    import psutil

    try:
        cpu = process.cpu_percent(look)
        with process.oneshot():
            memory, created = process.memory_info().rss, process.create_time()
    except psutil.Error:  # it has just ended
        return Status("stopped")
    state = running.state
    if state == "running" and not healthy(running.socket):
        state = "unresponsive"
    return Status(
        state,
        pid=running.pid,
        uptime_seconds=max(0.0, time.time() - created),
        memory_mb=round(memory / (1 << 20), 1),
        cpu_percent=cpu,
        url=running.url,
        socket=running.socket,
        version=running.version,
    )


def credentials_by_state(home: Home) -> dict[str, int]:
    """How many credentials are in each state; those that can't be read are in `error`. Raises as `Store.names`.

    Only those are unsealed whose state would not be certain otherwise.
    """
    from vestal.daemon.census import Census

    if not (home.folder / "store.db").exists():
        return {}  # no home is made by looking
    return Census(home, look_inside=home.store.load).counts()
