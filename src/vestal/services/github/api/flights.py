"""Single flight for flows: of all who want the same thing at once, one asks and the others wait, threads and tasks alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from vestal.core.errors import TimedOut, VestalError
from vestal.core.fork import Forked, tell
from vestal.services.steps import Steps, do

T = TypeVar("T")

DEADLINE = 120.0
"""Seconds that one waits for another's flow."""


@dataclass(eq=False, slots=True)
class _Flight:
    """A flow under way. Its future only says that it has ended; nobody can cancel it."""

    about: str
    done: Future[None] = field(default_factory=Future)
    error: VestalError | None = None


class Flights(Forked):
    """The flows under way, by key. Safe for use from any thread and event loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}
        tell(self)

    def fly(self, key: str, about: str, flow: Callable[[], Steps[T]]) -> Steps[T | None]:
        """Run `flow`, unless another one of this key is under way: then wait until it has ended, and give None.

        Who waited looks again for what it wants. A failure is shared with those who asked about the same, and with all if
        it is a passing one, so that a crowd does not meet it one by one. Whoever gave up (cancelled) shares nothing.
        """
        with self._lock:
            flight = self._flights.get(key)
            mine = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight(about)
                flight.done.set_running_or_notify_cancel()  # from here on nobody's cancel() has an effect
        if not mine:
            yield from do(partial(_wait, flight), partial(_await, flight))
            if flight.error is not None and (flight.error.passing or flight.about == about):
                raise flight.error.copy()
            return None
        try:
            return (yield from flow())
        except VestalError as error:
            flight.error = error.copy()
            raise
        finally:
            with self._lock:
                self._flights.pop(key, None)
            flight.done.set_result(None)

    def in_child(self) -> None:
        """After a fork: the threads that flew are not here."""
        self._lock = threading.Lock()
        self._flights = {}


def _wait(flight: _Flight) -> None:
    late = False
    try:
        flight.done.result(DEADLINE)
    except TimeoutError:
        late = True
    if late:
        raise _late()


async def _await(flight: _Flight) -> None:
    late = False
    try:
        async with asyncio.timeout(DEADLINE):
            await asyncio.shield(asyncio.wrap_future(flight.done))
    except TimeoutError:
        late = True
    if late:
        raise _late()


def _late() -> TimedOut:
    return TimedOut(f"another worker has asked GitHub the same for {DEADLINE:g} s", remedy="ask again")
