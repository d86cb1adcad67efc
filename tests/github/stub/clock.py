"""The stub's own clock: real time, until a test moves or stops it. Token expiry, rate windows and `Date` follow it."""

from __future__ import annotations

import threading
import time


class StubClock:
    """Seconds since the epoch. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0
        self._stopped: float | None = None

    def now(self) -> float:
        with self._lock:
            return time.time() + self._offset if self._stopped is None else self._stopped

    def advance(self, seconds: float) -> float:
        """Let time pass (or turn it back, if negative); what it is now."""
        with self._lock:
            if self._stopped is not None:
                self._stopped += seconds
            else:
                self._offset += seconds
        return self.now()

    def stop(self, at: float | None = None) -> float:
        """Stand still from now on, at that time if one is given; `advance` still moves it."""
        now = self.now() if at is None else at
        with self._lock:
            self._stopped = now
        return now

    def set(self, moment: float) -> float:
        """It is that time now. A running clock runs on from there."""
        return self.advance(moment - self.now())
