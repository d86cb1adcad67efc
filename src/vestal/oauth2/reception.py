"""What a login waits for: the answer that a browser brings, or word that it shall end; and what the browser gets for it.

Other programs on the machine and pages in the browser may bring anything: what is no answer to this login neither ends it
nor disturbs it. The browser gets its page only after `finish`, so that the page tells the truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Protocol, Self

from vestal.core.errors import VestalError
from vestal.core.secret import Secret
from vestal.oauth2.login_error import LoginTimedOut
from vestal.oauth2.page import Link, Page

LIMIT = 300.0
"""Seconds that a person has for a login."""

HOLD = 90.0
"""Seconds for which the browser is kept waiting for the end, once it has brought the answer."""

Judge = Callable[[Secret], str | None]
"""Says of a query why it is no answer to this login; None if it is one."""


class Receiver(Protocol):
    """Where the browser brings its answer. A context manager: on leaving, whatever the reason, nobody waits any more."""

    @property
    def redirect_uri(self) -> str:
        """What the service is told (RFC 6749, section 3.1.2)."""

    @property
    def port(self) -> int | None:
        """Of this machine, where the browser has to get through to; None if it need not."""

    def __enter__(self) -> Self:
        """Be there. Raises `ConfigError`."""

    def __exit__(self, *exc: object) -> None:
        """Whoever still waits gets the page of `finish`; without one, a page that says that the login is over."""

    def listen(self, accept: Judge) -> None:
        """Take answers from now on."""

    def wait(self) -> Secret:
        """The query of the first answer that was accepted. Raises `LoginTimedOut`, and what it was ended with."""

    def finish(self, title: str, text: str, ok: bool, remedy: str = "") -> None:
        """Tell the person at the browser how it ended."""


class Reception:
    """One login's. `wait`, `pause` and `finish` are for the thread of the login, everything else for any thread."""

    link: Link | None = None
    """Where the pages lead."""

    def __init__(self, limit: float = LIMIT, *, where: str = "the terminal") -> None:
        """`limit`: seconds. `where`: what tells the person about the login beside the pages."""
        self.page: Future[Page] = Future()
        """What the browser gets in the end. It can't be cancelled."""
        self.page.set_running_or_notify_cancel()
        self._limit = limit
        self._where = where
        self._accept: Judge = lambda query: None
        self._heard: SimpleQueue[Secret | VestalError] = SimpleQueue()
        self._lock = threading.Lock()
        self._answered = False
        self._turned_away = 0
        self._last_reason = ""
        self._query: Secret | None = None
        """The answer, once the login has heard of it."""

    def listen(self, accept: Judge) -> None:
        """Take what `accept` accepts."""
        self._accept = accept

    def is_answer(self, query: Secret) -> bool:
        """Whether a query is an answer to this login."""
        return self._accept(query) is None

    def take(self, query: Secret) -> Page | None:
        """What somebody has brought: None for an answer to this login (the first counts), else what is to be said of it."""
        reason = self._accept(query)
        with self._lock:
            if reason is not None:
                self._turned_away, self._last_reason = self._turned_away + 1, reason
            elif not self._answered:
                self._answered = True
                self._heard.put(query)
        if reason is None:
            return None
        return self._told(
            "This is another answer",
            _capital(f"{reason}."),
            remedy=f"Go back to {self._where} and open the newest address that it shows.",
        )

    def wait(self) -> Secret:
        """The first answer. Raises `LoginTimedOut`, and what `end` was called with."""
        if self._query is None:
            self._query = self._hear(self._limit)
        with self._lock:
            if self._query is None:
                self._query = self._hear(0.0)  # it may have come in the last moment
            strangers, reason = self._turned_away, self._last_reason
        if self._query is not None:
            return self._query
        raise LoginTimedOut(
            f"nobody finished the login within {_span(self._limit)}"
            + (f"; what came instead ({strangers}) was turned away, the last because {reason}" if strangers else ""),
            remedy=(
                "start the login again; if the browser is on another machine, use --device,"
                " or set redirect_port=PORT and run `ssh -L PORT:127.0.0.1:PORT HOST` there"
            ),
        )

    def pause(self, seconds: float) -> None:
        """Wait, once there is no answer to wait for any more. Raises what `end` was called with."""
        self._hear(seconds)

    def end(self, why: VestalError) -> None:
        """Wait no longer: who waits now, or would, raises `why`. For signals' handlers too: SimpleQueue.put is reentrant."""
        self._heard.put(why)

    def finish(self, title: str, text: str, ok: bool, remedy: str = "") -> None:
        """Tell the person at the browser how it ended."""
        if not self.page.done():
            self.page.set_result(self._told(title, text, ok, remedy))

    def close(self) -> None:
        """It is over: who has not been told how, never will be."""
        self.finish("This login is over", "It ended before it was finished.", ok=False, remedy="Start the login again.")

    def held_long(self) -> Page:
        """What a browser gets that has waited for too long."""
        text = f"Vestal has the answer and is still at work. {_capital(self._where)} tells how it ends."
        return self._told("Nearly done", text, ok=True)

    def _hear(self, seconds: float) -> Secret | None:
        """What comes within that time."""
        try:
            heard = self._heard.get(timeout=max(seconds, 0.0))
        except Empty:
            return None
        if isinstance(heard, Secret):
            return heard
        self._heard.put(heard)  # ended once is ended for good
        raise heard.copy()

    def _told(self, title: str, text: str, ok: bool = False, remedy: str = "") -> Page:
        return Page(title, text, ok, remedy, where=self._where, link=self.link)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 120 and seconds % 60 == 0 else f"{seconds:g} seconds"
