"""Starting the daemon in the background: out of reach of the terminal's Ctrl-C, and not before it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from vestal.core.errors import ConfigError, TimedOut, Unavailable, UnexpectedError, VestalError
from vestal.core.secret import Secret
from vestal.daemon.process.health import healthy
from vestal.daemon.process.logs import log_file, log_folder
from vestal.daemon.process.pid_file import PidFile, Running, already_running
from vestal.stores.files import make_private_folder

TIMEOUT = 30.0
"""Seconds that a daemon has to answer after its start."""
SHOWN = 10
"""Lines of the log that a failed start shows."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a daemon is started with, as `vestal.daemon.server.serve` has it; None, and no hosts, leave the default."""

    socket: str | None = None
    tcp: tuple[str, int] | None = None
    log_level: str | None = None
    hosts: tuple[str, ...] = ()
    at_once: int | None = None
    per_provider: int | None = None
    period: float | None = None

    @classmethod
    def of(cls, running: Running) -> Options:
        """Those of a daemon that runs."""
        return cls(**{each.name: getattr(running, each.name) for each in fields(cls)})

    def over(self, before: Options) -> Options:
        """These, and where they leave the default those from before."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(before, **{name: value for name, value in given.items() if value not in (None, ())})

    def arguments(self) -> list[str]:
        """As arguments of `vestal serve`."""
        from vestal.daemon.listening import authority

        given = {
            "--log-level": self.log_level,
            "--socket": self.socket,
            "--tcp": None if self.tcp is None else authority(*self.tcp),
            "--at-once": self.at_once,
            "--per-provider": self.per_provider,
            "--period": None if self.period is None else f"{self.period:.12g}",
        }
        return [
            *(f"{option}={value}" for option, value in given.items() if value is not None),
            *(f"--host-name={host}" for host in self.hosts),
        ]


class DidNotStart(Exception):
    """A daemon that was started and does not run. `error` says what happened, `log` is the end of its log."""

    def __init__(self, error: VestalError, log: Sequence[str]) -> None:
        super().__init__(error.message)
        self.error = error
        self.log = log


def start(
    home: Path,
    options: Options,
    *,
    timeout: float = TIMEOUT,
    command: Sequence[str] | None = None,
    passphrase: Secret | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Running:
    """Start the daemon of the home `home`, and wait until it answers.

    `command` is what runs `vestal serve` (by default with this Python); `passphrase` that of the master key, where it has
    one. Raises `ConfigError` if one runs already, and `DidNotStart`.
    """
    pid_file = PidFile(home)
    running = pid_file.running()
    if running is not None:
        raise already_running(running)
    make_private_folder(log_folder(home))
    errors, everything = log_file(home, errors=True), log_file(home)
    said_before, told_before = _size(errors), _size(everything)
    arguments = [*(command or _command()), "--background", *options.arguments()]
    child = _spawn(arguments, {**environ, "VESTAL_HOME": str(home)}, errors, passphrase)
    until = time.monotonic() + timeout
    while True:
        told = pid_file.read()
        if told is not None and told.pid == child.pid and told.state == "running" and healthy(told.socket):
            child.returncode = 0  # it is on its own now: nobody waits for its end
            return told
        code = child.poll()
        if code is not None:
            raise DidNotStart(_ended(code), _said(errors, said_before))
        if time.monotonic() > until:
            break
        time.sleep(0.05)
    child.terminate()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    raise DidNotStart(
        TimedOut(f"the daemon did not answer within {timeout:g} s and was stopped", remedy="see `vestal logs`"),
        _said(errors, said_before) or _said(everything, told_before),
    )


def _command() -> list[str]:
    return [sys.executable, "-m", "vestal", "serve"]


def _spawn(
    command: Sequence[str], environ: Mapping[str, str], errors: Path, passphrase: Secret | None
) -> subprocess.Popen[bytes]:
    """A process in a session of its own, without a terminal, whose parent is gone when we are (daemon(7))."""
    handle = os.open(errors, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=handle,
            cwd="/",  # no file system is kept from being unmounted
            env=dict(environ),
            start_new_session=True,
        )
    finally:
        os.close(handle)
    assert child.stdin is not None
    try:
        if passphrase is not None:
            child.stdin.write(passphrase.reveal().encode())
        child.stdin.close()
    except BrokenPipeError:
        pass  # it has ended already, and is found out to have
    return child


def _ended(code: int) -> VestalError:
    """The error of a daemon that ended at its start, as its exit code has it."""
    if code < 0:
        return UnexpectedError(f"the daemon was killed by signal {-code} at its start", remedy="see `vestal logs`")
    kind = {2: ConfigError, 4: Unavailable}.get(code, UnexpectedError)
    return kind(f"the daemon did not start: it ended with {code}", remedy="see `vestal logs --errors`")


def _said(log: Path, before: int) -> list[str]:
    """What was written to a log since, its end."""
    try:
        with log.open("rb") as file:
            file.seek(before if before <= _size(log) else 0)
            return file.read().decode("utf-8", "replace").splitlines()[-SHOWN:]
    except OSError:
        return []


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
