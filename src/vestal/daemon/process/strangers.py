"""Lines of the log that anybody can cause: they must not push out those that tell who was given which token."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

MOST = 60
"""Lines of one kind that are written within `WITHIN`."""

WITHIN = 60.0
"""Seconds."""


class Patience(logging.Filter):
    """Lets through so many lines of each kind, and the next one says how many were left out.

    A kind is a message before anything is put into it. Errors are written always: they are defects.
    """

    def __init__(self, least: int, steady: Callable[[], float] = time.monotonic) -> None:
        """`least`: the level from which lines are counted; those below it are ours, and written always."""
        super().__init__()
        self._least = least
        self._steady = steady
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[float, int]] = {}
        """By kind: when its minute began, and how many came in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter`."""
        if not self._least <= record.levelno < logging.ERROR:
            return True
        now, kind = self._steady(), str(record.msg)
        with self._lock:
            began, count = self._counts.get(kind, (now, 0))
            left_out = 0
            if now - began >= WITHIN:
                began, left_out, count = now, max(count - MOST, 0), 0
            self._counts[kind] = (began, count + 1)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} like it that are not written down)", ()
        return count < MOST
