"""`FakeClock`: a clock that stands still until a test moves it. For Vestal's tests and for those of its users."""

from __future__ import annotations

import threading


class FakeClock:
    """A `vestal.core.clock.Clock` under a test's control. Safe for use from any thread. All times are seconds.

    By default `sleep` moves the clock instead of waiting, so a test with one thread never blocks. With `blocking=True`
    sleepers really wait until another thread advances the clock far enough.

    >>> clock = FakeClock(1000.0)
    >>> clock.sleep(5)
    >>> clock.now()
    1005.0
    >>> clock.jump(-3600)  # somebody sets the wall clock back
    >>> clock.now()
    -2595.0
    """

    def __init__(self, now: float = 1_800_000_000.0, steady: float = 5_000.0, *, blocking: bool = False) -> None:
        self.blocking = blocking
        self._now = now
        self._steady = steady
        self._awake = 0.0
        """What sleepers count: time.sleep() does not count the time that the machine spends suspended."""
        self._sleepers: list[float] = []
        """The moments, in time awake, at which they wake up."""
        self._moved = threading.Condition()

    def now(self) -> float:
        """The wall clock."""
        with self._moved:
            return self._now

    def steady(self) -> float:
        """The clock that never jumps."""
        with self._moved:
            return self._steady

    def sleep(self, seconds: float) -> None:
        """Wait until the clock has been advanced by `seconds`; if the clock is not a blocking one, advance it so."""
        if not self.blocking:
            self.advance(max(seconds, 0.0))
            return
        with self._moved:
            until = self._awake + seconds
            self._sleepers.append(until)
            self._moved.notify_all()
            try:
                self._moved.wait_for(lambda: self._awake >= until)
            finally:
                self._sleepers.remove(until)
                self._moved.notify_all()

    def advance(self, seconds: float) -> None:
        """Let time pass: both clocks go on, and sleepers whose time has come wake up. Raises ValueError if negative."""
        self._move(now=seconds, steady=seconds, awake=seconds)

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock forward, or back if negative; no time passes."""
        with self._moved:
            self._now += seconds

    def suspend(self, seconds: float, *, steady_stops: bool = False) -> None:
        """The machine sleeps and wakes up: time has passed, but not for sleepers.

        `steady_stops`: as on a system whose steady clock stands still meanwhile. Raises ValueError if negative.
        """
        self._move(now=seconds, steady=0.0 if steady_stops else seconds, awake=0.0)

    @property
    def sleepers(self) -> int:
        """How many threads sleep now."""
        with self._moved:
            return len(self._sleepers)

    def wait_for_sleepers(self, count: int = 1, timeout: float = 10.0) -> None:
        """Wait, in real time, until at least `count` threads sleep. Raises TimeoutError after `timeout` seconds."""
        with self._moved:
            if not self._moved.wait_for(lambda: len(self._sleepers) >= count, timeout):
                raise TimeoutError(f"{len(self._sleepers)} of {count} threads sleep after {timeout:g} s")

    def _move(self, *, now: float, steady: float, awake: float) -> None:
        if now < 0:
            raise ValueError("time does not pass backwards: use jump()")
        with self._moved:
            self._now += now
            self._steady += steady
            self._awake += awake
            self._moved.notify_all()
