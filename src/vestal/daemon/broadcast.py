"""The core's events, for any number of listeners on the event loop. None of them can hold up a refresh."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from vestal.core.events import Event
from vestal.daemon.problem import Refusal

RECENT = 256
"""Events that are kept for those who come back."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with its number since the daemon started."""

    number: int
    event: Event


class Listening:
    """One listener's events, in their order. When too many wait, the oldest give way, and `lost` counts them."""

    def __init__(self, wanted: Callable[[Event], bool], backlog: int, by: str = "") -> None:
        self.by = by
        """Whose it is."""
        self.lost = 0
        self.ended = False
        self._wanted = wanted
        self._waiting: deque[Numbered] = deque(maxlen=backlog)
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def next(self, timeout: float) -> Numbered | None:
        """The next event; None if there was none for so many seconds, or if `ended`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self._waiting and not self.ended:
                    self._wake.clear()
                    await self._wake.wait()
        return self._waiting.popleft() if self._waiting else None

    def put(self, numbered: Numbered) -> None:
        """On the event loop: one more."""
        if self._wanted(numbered.event):
            self.lost += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(numbered)
            self._wake.set()

    def end(self) -> None:
        """On the event loop: there will be no more."""
        self.ended = True
        self._wake.set()

    def call(self, work: Callable[[], None]) -> None:
        """From any thread: do it on the event loop, if that still runs."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(work)


class Broadcast:
    """Hears the core's events in whatever thread they happen."""

    def __init__(self, *, listeners: int, backlog: int, share: int | None = None) -> None:
        """`listeners`: at once, at most; `share`: of those by one name; `backlog`: events that wait for each."""
        self._most = listeners
        self._share = listeners if share is None else share
        self._backlog = backlog
        self._lock = threading.RLock()  # `end` is called in a signal's handler, which may interrupt any of this
        self._number = 0
        self._recent: deque[Numbered] = deque(maxlen=RECENT)
        self._listening: tuple[Listening, ...] = ()
        self._ended = False

    def __call__(self, event: Event) -> None:
        """Tell everybody."""
        with self._lock:
            self._number += 1
            numbered = Numbered(self._number, event)
            self._recent.append(numbered)
            for listening in self._listening:
                listening.call(partial(listening.put, numbered))

    def listen(self, wanted: Callable[[Event], bool], after: int | None = None, *, by: str = "") -> Listening:
        """Begin to listen; with `after`, also to what has happened since that number, as far as it is remembered.

        `by`: the name of the key. Raises `Refusal` if there are too many listeners (503), or too many of that name (429).
        """
        with self._lock:
            if len(self._listening) >= self._most:
                raise Refusal(503, "too many listen to events", remedy="close some, then try again", retry_after=5.0)
            if sum(each.by == by for each in self._listening) >= self._share:
                raise Refusal(429, "too many listen to events with this key", remedy="close some", retry_after=5.0)
            listening = Listening(wanted, self._backlog, by)
            if after is not None and after <= self._number:
                for numbered in self._recent:
                    if numbered.number > after:
                        listening.put(numbered)
            self._listening = (*self._listening, listening)
            if self._ended:
                listening.end()
        return listening

    def leave(self, listening: Listening) -> None:
        """Stop listening."""
        with self._lock:
            self._listening = tuple(each for each in self._listening if each is not listening)

    def end(self) -> None:
        """Let all listeners go, as they come."""
        with self._lock:
            self._ended = True
            for listening in self._listening:
                listening.call(listening.end)

    @property
    def listeners(self) -> int:
        """How many there are."""
        return len(self._listening)

    @property
    def recent(self) -> list[Numbered]:
        """The latest events, the oldest first."""
        with self._lock:
            return list(self._recent)
