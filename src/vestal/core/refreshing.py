"""`RefreshingSource`: the source that applications hold. Sync and async callers share one state and one refresh."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from vestal.core.clock import Clock
from vestal.core.credential import Credential
from vestal.core.decision import Demand
from vestal.core.errors import ConfigError, TimedOut, UnexpectedError, VestalError
from vestal.core.events import Kind
from vestal.core.fork import Forked, tell
from vestal.core.held import INFINITY, Held, Zone
from vestal.core.token import Token

DEADLINE = 120.0
"""Seconds that a caller waits at most."""

PATIENCE = 15.0
"""Seconds after which a refresh that has not ended counts as failing for those who hold a token that is still valid."""

ECHO = 1.0
"""Seconds at least for which callers get a failure again instead of causing the next attempt."""

JUMP = 5.0
"""Seconds by which wall clock and steady clock must disagree to be reported."""

_NEVER = (1.0, 0.0, None)


class Refresher(Protocol):
    """What a source needs of a lifecycle."""

    @property
    def clock(self) -> Clock:
        """The time."""

    def load(self, name: str) -> Credential:
        """See `Lifecycle.load`."""

    def refresh(self, name: str, demand: Demand) -> Credential:
        """See `Lifecycle.refresh`."""

    def present(self, credential: Credential) -> Token | None:
        """See `Lifecycle.present`."""

    def emit(self, kind: Kind, name: str, **data: object) -> None:
        """See `Lifecycle.emit`."""


@dataclass(eq=False, slots=True)
class _Flight:
    """A refresh under way, whoever waits for it. Its future only says that it has ended; nobody can cancel it."""

    demand: Demand
    started: float
    """By the steady clock."""
    patience: float
    """Seconds after which callers with a token that is still valid are given that."""
    done: Future[None] = field(default_factory=Future)
    error: VestalError | None = None
    overtaken: bool = False
    """Whether the credential was changed meanwhile: what it brings may be from before."""
    told: bool = False
    """Whether the event was sent that callers got the old token."""


class RefreshingSource(Forked):
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
        patience: float = PATIENCE,
        random: Callable[[], float] = random.random,
    ) -> None:
        """Times are seconds; `random` gives numbers between 0 and 1 for the jitter."""
        self.name = name
        self._refresher = refresher
        self._clock = refresher.clock
        self._now = refresher.clock.now
        self._deadline = deadline
        self._patience = patience
        self._random = random
        self._window: tuple[float, float, Token | None] = _NEVER
        """From when until when, by the wall clock, the hot path may give which token."""
        self._lock = threading.Lock()
        self._jitter = random()
        self._held: Held | None = None
        self._flight: _Flight | None = None
        self._error: VestalError | None = None
        """Why the last refresh failed; None if it did not."""
        self._hold_until = 0.0
        """By the steady clock: no refresh is begun before, for the sake of `_error`."""
        self._jumped = False
        tell(self)

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
                step.done.result(self._time_to_wait(step, limit))
            except TimeoutError:
                self._check_deadline(limit)
                continue
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
                async with asyncio.timeout(self._time_to_wait(step, limit)):
                    await asyncio.shield(asyncio.wrap_future(step.done))
            except TimeoutError:
                self._check_deadline(limit)
                continue
            found = self._landed(step, newer_than, min_ttl)
            if found is not None:
                return found

    def peek(self) -> Token | None:
        """The token at hand, if it has not expired. Never blocks, does no I/O."""
        held = self._held
        if held is None or not held.usable or held.left(self._now(), self._clock.steady()) <= 0:
            return None
        return held.token

    def refresh(self) -> Token:
        """Refresh now, whatever state the token is in: for a person who asks. Raises `VestalError`."""
        limit = self._clock.steady() + self._deadline
        while True:
            with self._lock:
                flight = self._flight or self._start(Demand(force=True, jitter=self._jitter))
            try:
                flight.done.result(max(limit - self._clock.steady(), 0.0))
            except TimeoutError:
                self._check_deadline(limit)
                continue
            if flight.error is not None and flight.demand.force:
                raise flight.error.copy()
            if flight.demand.force:
                held = self._held  # None: somebody has let go of it meanwhile; what the store has now is no older
                return self.token() if held is None else held.token

    def forget(self) -> None:
        """Hold nothing any more: the credential was changed, by a login or by hand. The next caller sees what it is now."""
        with self._lock:
            self._held = None
            self._error = None
            self._hold_until = 0.0
            self._window = _NEVER
            if self._flight is not None:
                self._flight.overtaken = True

    def _step(self, newer_than: int | None, min_ttl: float | None) -> Token | _Flight:
        """One decision: the token at hand, or the refresh to wait for. Raises a failure that is still fresh."""
        self._watch_clock()
        with self._lock:
            held = self._held
            steady = self._clock.steady()
            if held is not None:
                token = self._at_hand(held, self._now(), steady, newer_than, min_ttl)
                if token is not None:
                    return token
            if self._flight is not None:
                return self._flight
            if self._error is not None and steady < self._hold_until:
                raise self._error.copy()
            due = held is not None and newer_than is None and min_ttl is None
            outlived = held.token.version if held is not None and due else None
            return self._start(Demand(newer_than, outlived, min_ttl, jitter=self._jitter))

    def _at_hand(
        self, held: Held, wall: float, steady: float, newer_than: int | None, min_ttl: float | None
    ) -> Token | None:
        """The token at hand, if it is what the caller wants; starts the background refresh if it is time for it."""
        if not held.usable or (newer_than is not None and held.token.version <= newer_than):
            return None
        if min_ttl is not None and held.left(wall, steady) < min_ttl:
            if min_ttl >= held.lifetime:
                raise self._too_long(min_ttl, held)
            return None
        zone = held.zone(wall, steady)
        if zone is Zone.EXPIRED or (zone is Zone.HARD and not self._passing_trouble(steady)):
            return None
        held_off = self._flight is None and steady < self._hold_until
        if zone is Zone.SOFT and self._flight is None and not held_off:
            with suppress(UnexpectedError):  # no thread to be had: this caller's token is good all the same
                self._start(Demand(outlived=held.token.version, early=True, jitter=self._jitter))
        rest = self._hold_until - steady if held_off else INFINITY
        if newer_than is None and (zone is not Zone.HARD or held_off):
            self._window = (wall, wall + min(held.glance(wall, steady), rest), held.token)
        return held.token

    def _passing_trouble(self, steady: float) -> bool:
        """Whether a token that is still valid may be given although its refresh is due: that one fails, or hangs."""
        if self._flight is not None:
            return steady - self._flight.started >= self._flight.patience
        return self._error is not None and self._error.passing and steady < self._hold_until

    def _start(self, demand: Demand) -> _Flight:
        """Begin a refresh in a thread of its own. Not a daemon thread: an interpreter that exits waits for the saving."""
        steady = self._clock.steady()
        left = self._held.left(self._now(), steady) if self._held is not None else INFINITY
        flight = _Flight(demand, steady, min(self._patience, left / 2) if left > 0 else self._patience)
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
        try:
            if flight.demand.newer_than is not None:
                self._refresher.emit(Kind.TOKEN_REFUSED, self.name, version=flight.demand.newer_than)
            if self._held is None:
                self._look()
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
            if flight.overtaken:
                self._held = self._error = None
                self._window = _NEVER
            elif flight.error is not None:
                wait = flight.error.retry_after or 0.0
                self._hold_until = self._clock.steady() + (max(ECHO, wait) if flight.error.passing else ECHO)
                self._window = _NEVER
        flight.done.set_result(None)

    def _look(self) -> None:
        """See what the store has, so that there is something to give if the refresh fails for a passing reason."""
        credential = self._refresher.load(self.name)
        if credential.token is not None:
            self._take(credential)

    def _take(self, credential: Credential) -> None:
        """Make a credential's token the one at hand, unless a later one is."""
        token = self._refresher.present(credential)
        if token is None:
            raise UnexpectedError("the refresh brought no token", credential=self.name, remedy="report it")
        with self._lock:
            if self._held is None or self._held.replaced_by(token):
                self._jitter = self._random()
                self._held = Held.of(token, self._now(), self._clock.steady(), self._jitter)
                if credential.intent is not None:  # somebody's refresh is open: see to it at once, in the background
                    self._held = self._held.due()
            self._window = _NEVER
            self._hold_until = 0.0

    def _landed(self, flight: _Flight, newer_than: int | None, min_ttl: float | None) -> Token | None:
        """What a finished refresh means for one caller: its token, None to look again, or the error raised."""
        held = self._held
        left = -INFINITY
        # A version that never was (the credential has been removed and added again) is replaced by any refresh.
        replaced = flight.error is None and newer_than is not None and (flight.demand.newer_than or 0) >= newer_than
        if held is not None and held.usable and (replaced or newer_than is None or held.token.version > newer_than):
            left = held.left(self._now(), self._clock.steady())
        if flight.error is not None:
            if held is None or not flight.error.passing or left <= max(min_ttl or 0.0, 0.0):
                raise flight.error.copy()
            if not flight.told:
                flight.told = True
                cause = flight.error.category.value
                self._refresher.emit(Kind.STALE_SERVED, self.name, cause=cause, left=round(left, 1))
            return held.token
        if held is None or left == -INFINITY:
            return None
        if min_ttl is None or left >= min_ttl:
            return held.token
        if flight.demand.min_ttl is not None:
            raise self._too_long(min_ttl, held)
        return None

    def _time_to_wait(self, flight: _Flight, limit: float) -> float:
        """Seconds to wait for a refresh: to the deadline, or as long as patience lasts with a token that is still valid."""
        steady = self._clock.steady()
        if self.peek() is not None:
            limit = min(limit, max(flight.started + flight.patience, steady + ECHO))
        return max(limit - steady, 0.0)

    def _check_deadline(self, limit: float) -> None:
        if self._clock.steady() >= limit:
            raise TimedOut(
                f"no token within {self._deadline:g} s; the refresh goes on",
                credential=self.name,
                remedy="ask again, or look at `vestal show` and `vestal doctor`",
            )

    def _watch_clock(self) -> None:
        held = self._held
        if held is None:
            return
        drift = held.drift(self._now(), self._clock.steady())
        if abs(drift) > JUMP and not self._jumped:
            self._refresher.emit(Kind.CLOCK_JUMPED, self.name, seconds=round(drift, 1))
        self._jumped = abs(drift) > JUMP

    def _too_long(self, min_ttl: float, held: Held) -> ConfigError:
        return ConfigError(
            f"{min_ttl:.12g} s of validity were asked for, but its tokens live {held.lifetime:.12g} s",
            credential=self.name,
            remedy="ask for less",
        )

    def in_child(self) -> None:
        """After a fork: the threads that held the lock or flew are not here."""
        self._lock = threading.Lock()
        self._flight = None
