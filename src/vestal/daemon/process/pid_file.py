"""Which process is the daemon of a home: a lock that the kernel releases with it, and a file that says who it is.

The lock decides, because it can't be stale; `daemon.pid` tells whom to signal and where they listen. Neither is believed
about a process that was created at another time: its number has been given to somebody else since.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.daemon.listening import authority
from vestal.stores.files import make_private_folder, write_private

if TYPE_CHECKING:
    import psutil

_T = TypeVar("_T")

SAME_TIME = 5.0
"""Seconds. The time of a process's creation moves with the wall clock it is computed from; a number given twice within so
little would take a machine that starts its whole range of processes meanwhile."""

PATIENCE = 2.0
"""Seconds to wait for the lock: whoever only looks whether it is held holds it for a moment."""


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon. `state` is `starting`, `running` or `stopping`; `tcp` host and port, if it listens there.

    The rest is what it was started with, for those who start it anew; None is the default.
    """

    pid: int
    create_time: float
    state: str
    version: str
    socket: str
    tcp: tuple[str, int] | None = None
    log_level: str = "info"
    hosts: tuple[str, ...] = ()
    """Names by which clients may call it over TCP, beside the address that it listens at and the loopback's."""
    at_once: int | None = None
    """Refreshes under way, at most."""
    per_provider: int | None = None
    """Of those at one provider and address."""
    period: float | None = None
    """Seconds between two looks at the store."""

    @classmethod
    def parse(cls, text: str) -> Running | None:
        """The daemon that a pid file tells of; None if it is not whole, or of another version of Vestal."""
        try:
            told = json.loads(text)
            tcp, hosts = told["tcp"], told.get("hosts") or []
            return cls(
                pid=int(told["pid"]),
                create_time=float(told["create_time"]),
                state=str(told["state"]),
                version=str(told["version"]),
                socket=str(told["socket"]),
                tcp=None if tcp is None else (str(tcp[0]), int(tcp[1])),
                log_level=str(told["log_level"]),
                hosts=tuple(str(host) for host in hosts),
                at_once=_or_none(int, told.get("at_once")),
                per_provider=_or_none(int, told.get("per_provider")),
                period=_or_none(float, told.get("period")),
            )
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError, AttributeError):
            return None

    @property
    def url(self) -> str:
        """Where programs reach it: by HTTP where it listens for that, otherwise at its socket."""
        if self.tcp is None:
            return f"unix://{self.socket}"
        host, port = self.tcp
        if self.everywhere:  # which is no address to connect to
            host = "::1" if ":" in host else "127.0.0.1"
        return f"http://{authority(host, port)}"

    @property
    def everywhere(self) -> bool:
        """Whether it listens for TCP at all addresses of the machine: 0.0.0.0, or ::."""
        try:
            return self.tcp is not None and ipaddress.ip_address(self.tcp[0]).is_unspecified
        except ValueError:
            return False


class PidFile:
    """The lock and the pid file of a home, in its folder `run`."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "run"
        self.path = self.folder / "daemon.pid"
        self._lock_path = self.folder / "daemon.lock"

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Be the daemon of this home, until the end. Raises `ConfigError` that says who is."""
        make_private_folder(self.folder)
        lock = self._acquire(PATIENCE)
        if lock is None:
            raise already_running(self.read())
        try:
            yield
        finally:
            with suppress(OSError):
                self.path.unlink()
            os.close(lock)  # last: whoever gets the lock writes a file of his own

    def write(self, running: Running) -> None:
        """Say who it is. Only for the holder. Raises `StoreUnavailable`."""
        write_private(self.path, json.dumps(asdict(running)) + "\n")

    def read(self) -> Running | None:
        """What the file says, which may be of the past; None if there is none that can be read."""
        try:
            return Running.parse(self.path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError):
            return None

    def held(self) -> bool:
        """Whether a daemon lives: somebody holds the lock."""
        if not self._lock_path.exists():
            return False
        lock = self._acquire(0)
        if lock is None:
            return True
        os.close(lock)
        return False

    def running(self) -> Running | None:
        """The daemon that lives, or None. One that has not written its file yet is waited for, for a moment."""
        until = time.monotonic() + PATIENCE
        while self.held():
            told = self.read()
            if told is not None and process_of(told) is not None:
                return told
            if time.monotonic() > until:
                raise ConfigError(
                    f"a daemon holds {self._lock_path}, but {self.path} does not name it",
                    remedy="it may run in a container that shares this home: stop it there",
                )
            time.sleep(0.05)
        return None

    def clear(self) -> None:
        """Remove the file of a daemon that was killed, unless another one has started since."""
        lock = self._acquire(0) if self.folder.exists() else None
        if lock is not None:
            with suppress(OSError):
                self.path.unlink()
            os.close(lock)

    def _acquire(self, patience: float) -> int | None:
        """The lock's file, locked; None if it is held by another."""
        trouble = ""
        try:
            handle = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            trouble = error.strerror or "it can't be opened"
        if trouble:
            raise StoreUnavailable(f"{self._lock_path}: {trouble}", remedy="check its folder")
        until = time.monotonic() + patience
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return handle
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(0.02)


def myself(**facts: Any) -> Running:
    """The process that asks, as a daemon; `facts` are the rest of `Running`. Raises `ConfigError` without psutil."""
    return Running(pid=os.getpid(), create_time=_psutil().Process().create_time(), **facts)


def process_of(running: Running) -> psutil.Process | None:
    """The process that is meant; None if it has gone, whoever has its number now. Raises `ConfigError` without psutil."""
    psutil = _psutil()
    try:
        process = psutil.Process(running.pid)
        same = abs(process.create_time() - running.create_time) < SAME_TIME
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def already_running(running: Running | None) -> ConfigError:
    """The error of a second start: who runs."""
    who = "" if running is None else f": process {running.pid} at {running.url}"
    return ConfigError(
        f"the daemon of this home runs already{who}", remedy="`vestal status` shows it, `vestal restart` starts it anew"
    )


def _or_none(kind: Callable[[Any], _T], value: Any) -> _T | None:
    return None if value is None else kind(value)


def _psutil() -> Any:
    try:
        import psutil
    except ModuleNotFoundError:
        pass
    else:
        return psutil
    raise ConfigError("the daemon needs psutil, which is not installed", remedy="pip install 'vestal[daemon]'")
