"""What happens to a credential, in words, as it happens."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from vestal.core.events import Event, Kind

KEPT = 50
"""Lines that are remembered."""

_WHY = {"early": "in good time", "due": "it was due", "refused": "the last one was refused", "asked": "somebody asked"}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line: when, what, and whether it is good, notable or bad news."""

    at: float
    text: str
    tone: str

    @property
    def clock(self) -> str:
        """The time of day here."""
        return time.strftime("%H:%M:%S", time.localtime(self.at))


class Happenings:
    """A listener that remembers the last lines, and hands each to `tell` at once."""

    def __init__(self, tell: Callable[[Happening], None] | None = None) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._lines: deque[Happening] = deque(maxlen=KEPT)
        self._started: float | None = None
        self.refreshes = 0
        self.took: float | None = None
        """Seconds that the last refresh took."""

    def __call__(self, event: Event) -> None:
        """Hear one event."""
        with self._lock:
            if event.kind is Kind.REFRESH_STARTED:
                self._started = event.at
            elif event.kind is Kind.REFRESHED:
                self.refreshes += 1
                self.took = None if self._started is None else max(event.at - self._started, 0.0)
            line = self._line(event)
        if line is not None:
            self.add(line)

    def add(self, line: Happening) -> None:
        """Remember one more line."""
        with self._lock:
            self._lines.append(line)
        if self._tell is not None:
            self._tell(line)

    def last(self, count: int) -> list[Happening]:
        """The last lines, the newest at the end."""
        with self._lock:
            return list(self._lines)[-count:]

    def _line(self, event: Event) -> Happening | None:
        told = _in_words(event, self.took)
        return None if told is None else Happening(event.at, *told)


def _in_words(event: Event, took: float | None) -> tuple[str, str] | None:
    data = event.data
    match event.kind:
        case Kind.REFRESHED:
            time_taken = "" if took is None else f", {took * 1000:.0f} ms"
            return f"token {data['version']}: {_WHY.get(str(data['reason']), data['reason'])}{time_taken}", "good"
        case Kind.TOKEN_ADOPTED:
            return f"token {data['version']}: taken over from another process", "note"
        case Kind.TOKEN_REFUSED:
            return f"token {data['version']} was refused (401)", "note"
        case Kind.RETRY_SCHEDULED:
            return f"{data['cause']}: once more in {data['wait']:.1f} s", "note"
        case Kind.REPLAY_STARTED:
            return f"{data['cause']}: sent, not answered; sent once more at once", "note"
        case Kind.RECOVERY_STARTED:
            return "finishing a refresh that somebody left open", "note"
        case Kind.STALE_SERVED:
            return f"callers go on with the present token, {data['left']:.0f} s left", "note"
        case Kind.REFRESH_FAILED:
            return f"{data['category']}: {data['message']}", "bad"
        case Kind.STORE_FAILED:
            return f"the store: {data['cause']}", "bad"
        case Kind.LOGIN_NEEDED:
            return f"a login is needed: {data['reason']}", "bad"
        case Kind.CLOCK_JUMPED:
            return f"the clock has jumped by {data['seconds']} s", "note"
    return None
