"""Time, passed in wherever it is used, so that tests patch nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What the lifecycle needs of time. All times are seconds."""

    def now(self) -> float:
        """Seconds since the Unix epoch: the wall clock, which may jump."""

    def steady(self) -> float:
        """Seconds since an arbitrary moment: never jumps, and goes on while the machine sleeps if the system can tell."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


def _steady() -> Callable[[], float]:
    # Python's time.monotonic() stands still during suspend on Linux and macOS; these clocks do not
    # (clock_gettime(2) CLOCK_BOOTTIME; on macOS CLOCK_MONOTONIC counts sleep, unlike mach_absolute_time).
    clock_id = getattr(time, "CLOCK_BOOTTIME", None)
    if clock_id is None and sys.platform == "darwin":
        clock_id = time.CLOCK_MONOTONIC
    if clock_id is None:
        return time.monotonic
    identifier: int = clock_id
    return lambda: time.clock_gettime(identifier)


class SystemClock:
    """The machine's clocks."""

    now = staticmethod(time.time)
    steady = staticmethod(_steady())
    sleep = staticmethod(time.sleep)
