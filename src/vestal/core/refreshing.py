"""`RefreshingSource`: the source that applications hold. Sync and async callers share one state and one refresh."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.decision import Demand
from vestal.core.errors import ConfigError, TimedOut, UnexpectedError, VestalError
from vestal.core.events import Kind
from vestal.core.margins import Margins, from_the_future, margins
from vestal.core.token import Token

DEADLINE = 120.0
"""Seconds that a caller waits at most."""

GLANCE = 60.0
"""Seconds for which the hot path trusts the wall clock before it is checked against the steady one."""

ECHO = 1.0
"""Seconds at least for which callers get a failure again instead of causing the next attempt."""

JUMP = 5.0
"""Seconds by which wall clock and steady clock must disagree to be reported."""

_NEVER = (1.0, 0.0, None)
_INFINITY = float("inf")


class Refresher(Protocol):
    """What a source needs of a lifecycle."""

    clock: Clock

    def refresh(self, name: str, demand: Demand) -> Credential:
        """See `Lifecycle.refresh`."""

    def present(self, credential: Credential) -> Token | None:
        """See `Lifecycle.present`."""

    def emit(self, kind: Kind, name: str, **data: object) -> None:
        """See `Lifecycle.emit`."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The token at hand, with the two clocks' readings when it came to hand."""

    token: Token
    margins: Margins
    wall: float
    steady: float
    usable: bool
    """False for a token whose age can't be known, since the wall clock has gone back behind its issue."""

    def now(self, wall: float, steady: float) -> float:
        """The time, by whichever clock says later: a wall clock that was set back must not lengthen a token's life."""
        return max(wall, self.wall + (steady - self.steady))


@dataclass(eq=False, slots=True)
class _Flight:
    """A refresh under way, whoever waits for it."""

    demand: Demand
    done: Future[None] = field(default_factory=Future)
    error: VestalError | None = None
    told: bool = False
    """Whether the event was sent that callers got the old token."""


class RefreshingSource:
    """A `TokenSource` for one credential of a store.

    While the token is good, `token()` is a comparison against the clock: no lock, no I/O. Otherwise one thread refreshes,
    and threads and tasks alike wait for it; none of them can stop it.
    """

    def __init__(
        self,
        name: str,
        refresher: Refresher,
        *,
        deadline: float = DEADLINE,
        random: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._refresher = refresher
        self._clock = refresher.clock
        self._now = refresher.clock.now
        self._deadline = deadline
        self._random = random
        self._window: tuple[float, float, Token | None] = _NEVER
        """From when until when the hot path may give which token."""
        self._lock = threading.Lock()
        self._jitter = random()
        self._held: _Held | None = None
        self._flight: _Flight | None = None
        self._hold_until = 0.0
        self._error: VestalError | None = None
        self._jumped = False
        _sources.add(self)

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """A token that works; see `TokenSource.token`. Raises `VestalError`."""
        start, end, token = self._window
        if start <= self._now() < end and newer_than is None and min_ttl is None and token is not None:
            return token
        limit = self._clock.steady() + self._deadline
        while True:
            step = self._step(newer_than, min_ttl)
            if isinstance(step, Token):
                return step
            try:
                step.done.result(max(limit - self._clock.steady(), 0.0))
            except TimeoutError:
                raise self._late() from None
            found = self._landed(step, newer_than, min_ttl)
            if found is not None:
                return found

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """The same for asyncio; see `TokenSource.atoken`. Cancelling it stops no refresh."""
        start, end, token = self._window
        if start <= self._now() < end and newer_than is None and min_ttl is None and token is not None:
            return token
        limit = self._clock.steady() + self._deadline
        while True:
            step = self._step(newer_than, min_ttl)
            if isinstance(step, Token):
                return step
            try:
                async with asyncio.timeout(max(limit - self._clock.steady(), 0.0)):
                    await asyncio.shield(asyncio.wrap_future(step.done))
            except TimeoutError:
                raise self._late() from None
            found = self._landed(step, newer_than, min_ttl)
            if found is not None:
                return found

    def peek(self) -> Token | None:
        """The token at hand, if it has not expired. Never blocks, does no I/O."""
        held = self._held
        if held is None or not held.usable:
            return None
        expires_at = held.margins.expires_at
        fine = expires_at is None or held.now(self._now(), self._clock.steady()) < expires_at
        return held.token if fine else None

    def refresh(self) -> Token:
        """Refresh now, whatever state the token is in: for a person who asks. Raises `VestalError`."""
        limit = self._clock.steady() + self._deadline
        while True:
            with self._lock:
                flight = self._flight or self._start(Demand(force=True, jitter=self._jitter))
            try:
                flight.done.result(max(limit - self._clock.steady(), 0.0))
            except TimeoutError:
                raise self._late() from None
            if not flight.demand.force:
                continue
            if flight.error is not None:
                raise flight.error.copy()
            assert self._held is not None
            return self._held.token

    def _step(self, newer_than: int | None, min_ttl: float | None) -> Token | _Flight:
        """One decision: the token at hand, or the refresh to wait for. Raises a failure that is still fresh."""
        self._check_clock()
        with self._lock:
            wall, steady = self._now(), self._clock.steady()
            held = self._held
            if held is not None:
                now = held.now(wall, steady)
                token = self._at_hand(held, now, wall, steady, newer_than, min_ttl)
                if token is not None:
                    return token
            if self._flight is None and self._error is not None and steady < self._hold_until:
                raise self._error.copy()
            outlived = held.token.version if held is not None and newer_than is None and min_ttl is None else None
            return self._flight or self._start(
                Demand(newer_than=newer_than, outlived=outlived, min_ttl=min_ttl, jitter=self._jitter)
            )

    def _at_hand(
        self, held: _Held, now: float, wall: float, steady: float, newer_than: int | None, min_ttl: float | None
    ) -> Token | None:
        """The token at hand, if it is what the caller wants; starts the background refresh if it is time for it."""
        token, moments = held.token, held.margins
        if not held.usable or (newer_than is not None and token.version <= newer_than):
            return None
        left = _INFINITY if moments.expires_at is None else moments.expires_at - now
        if min_ttl is not None and left < min_ttl:
            lifetime = (moments.expires_at or 0.0) - token.issued_at
            if min_ttl >= lifetime:
                raise self._too_long(min_ttl, lifetime)
            return None
        if left <= 0:
            return None
        soft = moments.soft_at is not None and now >= moments.soft_at
        hard = moments.hard_at is not None and now >= moments.hard_at
        held_off = self._flight is None and steady < self._hold_until
        if hard and not (held_off and (self._error is None or self._error.passing)):
            return None
        if soft and not hard and self._flight is None and not held_off:
            self._start(Demand(early=True, outlived=token.version, jitter=self._jitter))
        if newer_than is None:
            self._open_window(held, now, wall, self._hold_until - steady if held_off else _INFINITY)
        return token

    def _open_window(self, held: _Held, now: float, wall: float, length: float) -> None:
        """Let the hot path give this token, for `length` seconds at most, until the next moment that decides something."""
        moments = held.margins
        ahead = [
            moment - now for moment in (moments.soft_at, moments.hard_at, moments.expires_at) if moment is not None
        ]
        glance = GLANCE
        if moments.expires_at is not None:
            glance = min(glance, (moments.expires_at - held.token.issued_at) / 12)
        length = min(length, glance, *(moment for moment in ahead if moment > 0))
        self._window = (wall, wall + length, held.token)

    def _start(self, demand: Demand) -> _Flight:
        """Begin a refresh in a thread of its own. Not a daemon thread: an interpreter that exits waits for the saving."""
        flight = _Flight(demand)
        flight.done.set_running_or_notify_cancel()  # from here on nobody's cancel() has an effect
        self._flight = flight
        try:
            threading.Thread(target=self._fly, args=(flight,), name=f"vestal refresh {self.name}").start()
        except RuntimeError:  # the interpreter is shutting down, or out of threads
            self._flight = None
            raise UnexpectedError(
                "no thread could be started for the refresh", credential=self.name, remedy="ask before exiting"
            ) from None
        return flight

    def _fly(self, flight: _Flight) -> None:
        """The refresh itself, in its thread."""
        if flight.demand.newer_than is not None:
            self._refresher.emit(Kind.TOKEN_REFUSED, self.name, version=flight.demand.newer_than)
        try:
            self._take(self._refresher.refresh(self.name, flight.demand))
        except VestalError as error:
            flight.error = error.copy()
        except BaseException as error:  # whatever it is, those who wait must hear of it
            flight.error = UnexpectedError(
                f"the refresh failed with {type(error).__name__}",
                credential=self.name,
                remedy="this is a defect: report it",
            )
        with self._lock:
            self._flight = None
            self._error = flight.error
            if flight.error is not None:
                self._window = _NEVER
                wait = flight.error.retry_after or 0.0
                self._hold_until = self._clock.steady() + (max(ECHO, wait) if flight.error.passing else ECHO)
        flight.done.set_result(None)

    def _take(self, credential: Credential) -> _Held:
        """Make a credential's token the one at hand, unless a newer one is."""
        token = self._refresher.present(credential)
        if token is None:
            raise UnexpectedError("the refresh brought no token", credential=self.name, remedy="report it")
        wall, steady = self._now(), self._clock.steady()
        with self._lock:
            old = self._held.token if self._held else None
            if old is None or token.version > old.version or token.issued_at > old.issued_at:
                self._jitter = self._random()
                usable = not from_the_future(token, wall)
                self._held = _Held(token, margins(token, self._jitter), wall, steady, usable)
            self._window = _NEVER
            self._hold_until = 0.0
            self._error = None
            assert self._held is not None
            return self._held

    def _landed(self, flight: _Flight, newer_than: int | None, min_ttl: float | None) -> Token | None:
        """What a finished refresh means for one caller: its token, None to look again, or the error raised."""
        held = self._held
        now = held.now(self._now(), self._clock.steady()) if held else 0.0
        suits = held is not None and held.usable and (newer_than is None or held.token.version > newer_than)
        expires_at = held.margins.expires_at if held else None
        left = _INFINITY if expires_at is None else expires_at - now
        if flight.error is None:
            if held is None or not suits:
                return None
            if min_ttl is None or left >= min_ttl:
                return held.token
            if flight.demand.min_ttl is not None:
                raise self._too_long(min_ttl, (expires_at or 0.0) - held.token.issued_at)
            return None
        if flight.error.passing and suits and left > max(min_ttl or 0.0, 0.0) and held is not None:
            if not flight.told:
                flight.told = True
                cause = flight.error.category.value
                self._refresher.emit(Kind.STALE_SERVED, self.name, cause=cause, left=round(left, 1))
            return held.token
        raise flight.error.copy()

    def _check_clock(self) -> None:
        held = self._held
        if held is None:
            return
        drift = (self._now() - held.wall) - (self._clock.steady() - held.steady)
        if abs(drift) > JUMP and not self._jumped:
            self._refresher.emit(Kind.CLOCK_JUMPED, self.name, seconds=round(drift, 1))
        self._jumped = abs(drift) > JUMP

    def _late(self) -> TimedOut:
        return TimedOut(
            f"no token within {self._deadline:g} s; the refresh goes on",
            credential=self.name,
            remedy="ask again, or look at `vestal show` and `vestal doctor`",
        )

    def _too_long(self, min_ttl: float, lifetime: float) -> ConfigError:
        return ConfigError(
            f"{min_ttl:g} s of validity were asked for, but its tokens live {lifetime:g} s",
            credential=self.name,
            remedy="ask for less",
        )

    def _after_fork(self) -> None:
        """In a forked child: the threads that held the lock or flew are not here."""
        self._lock = threading.Lock()
        self._flight = None


_sources: weakref.WeakSet[RefreshingSource] = weakref.WeakSet()


def _after_fork() -> None:
    for source in list(_sources):
        source._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
