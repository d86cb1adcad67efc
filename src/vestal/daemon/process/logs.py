"""The daemon's log files: written by it, read by `vestal logs`.

logs/daemon.log         everything of the level asked for
logs/daemon-error.log   warnings and worse, and whatever else the process writes to its stderr
"""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vestal.core.errors import ConfigError
from vestal.daemon.process.strangers import Patience

LARGEST = 5 << 20
"""Bytes of a log file before it is put aside."""
KEPT = 3
"""How many that were put aside are kept."""

LEVELS = ("debug", "info", "warning", "error")

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


class Rotating(logging.handlers.RotatingFileHandler):
    """A log file (0600) that is put aside when it is large."""

    def __init__(self, path: Path, largest: int = LARGEST, *, stderr: bool = False) -> None:
        """With `stderr`, what the process writes to its stderr goes to the file as well, also after it was put aside."""
        self._stderr = stderr
        super().__init__(path, maxBytes=largest, backupCount=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; it is in the file when this returns.

        The library's own formats each record twice and looks the file up by name, and every token handed out is a line.
        """
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            stream: Any = self.stream or self._open()
            self.stream = stream
            if stream.tell() + len(line) > self.maxBytes:  # what came by way of stderr counts: it moves the same place
                self.doRollover()
                stream = self.stream
            stream.write(line)
        except Exception:
            self.handleError(record)

    def _open(self) -> Any:
        stream = open(self.baseFilename, "ab", buffering=0, opener=_private)  # noqa: SIM115 - the handler closes it
        if self._stderr:
            os.dup2(stream.fileno(), 2)
        return stream


class Lines(logging.Formatter):
    """Lines of the log, as `_FORMAT` has them. The time is written out once a second.

    A message is one line of text, whatever was put into it: some of that is told by strangers.
    """

    def __init__(self) -> None:
        super().__init__(_FORMAT)
        self._second = -1
        self._written = ""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        if record.exc_info or record.exc_text or record.stack_info:
            return super().format(record)
        text = record.getMessage()
        if not text.isprintable():
            text = "".join(map(_shown, text))
        return f"{self.formatTime(record)} {record.levelname:7} {text}"

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """See `logging.Formatter`."""
        second = int(record.created)
        if second != self._second:
            self._written = time.strftime(self.default_time_format, self.converter(second))
            self._second = second
        return f"{self._written},{int(record.msecs):03d}"


def _shown(character: str) -> str:
    """What ends a line or commands a terminal is written as in Python: with a backslash."""
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def log_folder(home: Path) -> Path:
    """Where the log files of a home's daemon are."""
    return home / "logs"


def log_file(home: Path, *, errors: bool = False) -> Path:
    """One of the two."""
    return log_folder(home) / ("daemon-error.log" if errors else "daemon.log")


def log_to_files(home: Path, level: str, largest: int = LARGEST) -> None:
    """Log this process to the files of a home, whose folder is there."""
    everything = Rotating(log_file(home), largest)
    errors = Rotating(log_file(home, errors=True), largest, stderr=True)
    errors.setLevel(logging.WARNING)
    _log_to([everything, errors], level)


def log_to_stderr(level: str) -> None:
    """Log this process where people see it."""
    _log_to([logging.StreamHandler(sys.stderr)], level)


def _log_to(handlers: list[logging.Handler], level: str) -> None:
    root = logging.getLogger()
    for shown_by_no_line in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks", "_srcfile"):
        setattr(logging, shown_by_no_line, None)  # https://docs.python.org/3/howto/logging.html#optimization
    for handler in handlers:
        handler.setFormatter(Lines())
        root.addHandler(handler)
    root.setLevel(logging.WARNING)  # what libraries tell at lower levels may hold anything
    logging.getLogger("vestal").setLevel(level.upper())
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for name, least in (
        ("vestal.daemon", logging.DEBUG),
        ("vestal.audit", logging.WARNING),
        ("uvicorn.error", logging.DEBUG),
    ):
        logging.getLogger(name).addFilter(Patience(least))


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log file, those put aside included; none if there is no file. Raises `ConfigError`."""
    lines: deque[str] = deque(maxlen=count)
    for number in range(KEPT, -1, -1):
        each = path.with_name(f"{path.name}.{number}") if number else path
        trouble = ""
        try:
            with each.open(encoding="utf-8", errors="replace") as file:
                lines.extend(line.rstrip("\n") for line in file)
        except FileNotFoundError:
            continue
        except OSError as error:
            trouble = error.strerror or "it can't be read"
        if trouble:
            raise ConfigError(f"{each} can't be read: {trouble}", remedy="check whose it is")
    return list(lines)


def following(path: Path, count: int, pause: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """The last lines of a log file, then those that are written from now on, for ever.

    `pause` is called with seconds between two looks.
    """
    place, node = _end_of(path)
    yield from last_lines(path, count)
    rest = b""
    while True:
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != node or status.st_size < place:  # it was put aside, and a new one begun
                    rest += _rest_of(path.with_name(f"{path.name}.1"), node, place)
                    node, place = status.st_ino, 0
                file.seek(place)
                read = file.read()
        except FileNotFoundError:
            read = b""
        place += len(read)
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
        pause(0.25)


def _end_of(path: Path) -> tuple[int, int | None]:
    """The size of a file, and which one it is."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, None
    return status.st_size, status.st_ino


def _rest_of(path: Path, node: int | None, place: int) -> bytes:
    """What was written to a file before it was put aside; nothing if that is another one."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_ino != node:
                return b""
            file.seek(place)
            return file.read()
    except FileNotFoundError:
        return b""
