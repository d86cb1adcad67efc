"""A model of a careful authorization server: it rotates refresh tokens, detects reuse, and forgives it for a while."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Callable

from tests.core.house import BUSY, GARBAGE, HOUR, INVALID_GRANT, Answer, Killed, granted
from vestal.core.errors import NetworkError, Outcome
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.testing.clock import FakeClock


class Fault(enum.Enum):
    """What can happen to one request."""

    NONE = enum.auto()
    UNREACHABLE = enum.auto()
    BUSY = enum.auto()
    CUT_BEFORE = enum.auto()
    """The connection is cut before the server has redeemed; the client can't tell."""
    CUT_AFTER = enum.auto()
    """... and after it has."""
    GARBAGE_AFTER = enum.auto()
    """It has redeemed, and its answer is unreadable."""
    DEATH_BEFORE = enum.auto()
    """The worker dies while it waits, before the server has redeemed."""
    DEATH_AFTER = enum.auto()
    """... and after it has."""


class Server:
    """One grant of one user. `faults` happen to the next requests, in order."""

    def __init__(self, clock: FakeClock, grace: float, tick: Callable[[], None]) -> None:
        """`tick` is called before a request leaves and after its answer has arrived: a worker may die there."""
        self.clock = clock
        self.grace = grace
        self.tick = tick
        self.faults: list[Fault] = []
        self.presented: Counter[str] = Counter()
        """How often each refresh token was sent, but for sendings that surely had no effect."""
        self.issued = 0
        self.log_in()

    def log_in(self) -> str:
        """A new grant; the refresh token of the old one is worthless."""
        self.alive, self.revoked = True, False
        self.replaced: str | None = None
        self.forgiven_until = 0.0
        self.issued += 1
        self.live = f"rt-{self.issued}"
        return self.live

    def revoke(self) -> None:
        """The user takes the grant back."""
        self.alive, self.revoked = False, True

    def __call__(self, request: Request) -> Response:
        """Answer one request for a refresh."""
        self.tick()
        fault = self.faults.pop(0) if self.faults else Fault.NONE
        sent_at = self.clock.now()
        token = (request.form or {}).get("refresh_token", Secret(""))
        assert isinstance(token, Secret)
        if fault is Fault.UNREACHABLE:
            raise NetworkError("connection refused", outcome=Outcome.NOT_SENT)
        answer = BUSY
        if fault is not Fault.BUSY and not token:
            answer = Answer(200, "{}")  # the first of two requests, before the one that redeems
        elif fault is not Fault.BUSY:
            self.presented[token.reveal()] += 1
            if fault is Fault.DEATH_BEFORE:
                raise Killed
            if fault is Fault.CUT_BEFORE:
                raise NetworkError("cut", outcome=Outcome.UNKNOWN)
            answer = self.redeem(token.reveal())
        if fault in (Fault.DEATH_BEFORE, Fault.DEATH_AFTER):
            raise Killed
        if fault is Fault.CUT_AFTER:
            raise NetworkError("cut", outcome=Outcome.UNKNOWN)
        self.tick()
        if fault is Fault.GARBAGE_AFTER:
            answer = GARBAGE
        return Response(answer.status, dict(answer.headers), Secret(answer.body), sent_at)

    def redeem(self, token: str) -> Answer:
        """Rotate; a token that was replaced gives the same again within the grace, and ends the grant after it."""
        if not self.alive:
            return INVALID_GRANT
        if token == self.live:
            self.issued += 1
            self.replaced, self.live = token, f"rt-{self.issued}"
            self.forgiven_until = self.clock.steady() + self.grace
            return granted(self.issued, expires_in=HOUR)
        if token == self.replaced and self.clock.steady() < self.forgiven_until:
            return granted(self.issued, expires_in=HOUR)
        self.alive = False
        return INVALID_GRANT

    def accepts(self, token: str) -> bool:
        """Whether it would give something for this refresh token now."""
        forgiven = token == self.replaced and self.clock.steady() < self.forgiven_until
        return self.alive and (token == self.live or forgiven)
