"""Everything that `vestal practice --live` sets up, and what can be seen of it at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vestal.cli.live.callers import Callers
from vestal.cli.live.happenings import Happening, Happenings
from vestal.cli.live.practising import NAME, practising
from vestal.core.margins import margins
from vestal.core.token import Token
from vestal.home import Home
from vestal.testing.practice import PracticeServer

CALLERS = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be seen at one moment. Times are seconds."""

    up: float
    """Since the beginning."""
    token: Token | None
    left: float
    """Until the token's expiry."""
    lifetime: float
    soft: float
    """How long before its expiry the soft margin begins."""
    hard: float
    next_refresh: float | None
    refreshes: int
    took: float | None
    callers: int
    served: int
    rate: float
    """Tokens given in a second."""
    failed: int
    trouble: str
    """Why the last question failed, if the last one did."""
    redemptions: int
    reuse: int
    used: int
    """Answers 200 of the protected resource."""
    refused: int
    """Answers 401."""
    happenings: tuple[Happening, ...]


class Stage:
    """The server, the home with its credential, and the callers."""

    def __init__(self, server: PracticeServer, home: Home, happenings: Happenings) -> None:
        self.server = server
        self.home = home
        self._happenings = happenings
        self._source = home.source(NAME)
        self._callers = Callers(self._source.token, f"{server.url}/resource", CALLERS)
        self._started = home.clock.steady()
        self._seen = (self._started, 0)
        self._rate = 0.0

    @contextmanager
    def playing(self) -> Iterator[None]:
        """The callers ask until the block ends."""
        self._callers.start()
        try:
            yield
        finally:
            self._callers.stop()

    def look(self, happenings: int = 0) -> Moment:
        """What is to be seen now, with the last so many happenings."""
        steady, now = self.home.clock.steady(), self.home.clock.now()
        token = self._source.peek()
        moments = None if token is None else margins(token)
        expires_at = None if token is None else token.expires_at
        soft_at, hard_at = (None, None) if moments is None else (moments.soft_at, moments.hard_at)
        count = self.server.counters
        return Moment(
            up=steady - self._started,
            token=token,
            left=0.0 if expires_at is None else max(expires_at - now, 0.0),
            lifetime=0.0 if expires_at is None or token is None else expires_at - token.issued_at,
            soft=0.0 if expires_at is None or soft_at is None else expires_at - soft_at,
            hard=0.0 if expires_at is None or hard_at is None else expires_at - hard_at,
            next_refresh=None if soft_at is None else max(soft_at - now, 0.0),
            refreshes=self._happenings.refreshes,
            took=self._happenings.took,
            callers=self._callers.count,
            served=self._callers.served,
            rate=self._pace(steady),
            failed=self._callers.failed,
            trouble=self._callers.trouble,
            redemptions=count["redemptions"],
            reuse=count["reuse_detected"],
            used=count["resource.200"],
            refused=count["resource.401"],
            happenings=tuple(self._happenings.last(happenings)),
        )

    def _pace(self, steady: float) -> float:
        """Tokens a second, measured over a second or more."""
        since, served = self._seen
        if steady - since >= 1.0:
            self._rate = (self._callers.served - served) / (steady - since)
            self._seen = steady, self._callers.served
        return self._rate


@contextmanager
def staged(server: PracticeServer, home: Home, happenings: Happenings) -> Iterator[Stage]:
    """The stage for a running server. Raises as `practising`."""
    with practising(server, home):
        yield Stage(server, home, happenings)
