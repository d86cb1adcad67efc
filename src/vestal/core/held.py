"""The token at hand, and what it is good for right now. Pure: clocks are read by the caller."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from vestal.core.margins import Margins, from_the_future, margins
from vestal.core.token import Token

GLANCE = 60.0
"""Seconds for which the hot path trusts the wall clock before it is checked against the steady one."""

GLANCE_SHARE = 1 / 12
"""The same, at most this share of the token's lifetime."""

INFINITY = float("inf")


class Zone(enum.IntEnum):
    """Where in its life a token is."""

    FRESH = 0
    SOFT = 1
    HARD = 2
    EXPIRED = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A token with the readings of both clocks when it came to hand.

    `usable` is False for a token whose age can't be known, since the wall clock has gone back behind its issue.
    """

    token: Token
    margins: Margins
    wall: float
    steady: float
    usable: bool

    @classmethod
    def of(cls, token: Token, wall: float, steady: float, jitter: float) -> Held:
        """The token as it came to hand at these readings."""
        return cls(token, margins(token, jitter), wall, steady, not from_the_future(token, wall))

    def due(self) -> Held:
        """The same, with the soft margin reached."""
        return replace(self, margins=replace(self.margins, soft_at=self.wall))

    def now(self, wall: float, steady: float) -> float:
        """The time, by whichever clock says later: a wall clock that was set back must not lengthen a token's life."""
        return max(wall, self.wall + (steady - self.steady))

    def drift(self, wall: float, steady: float) -> float:
        """Seconds by which the wall clock has moved more than the steady one."""
        return (wall - self.wall) - (steady - self.steady)

    def left(self, wall: float, steady: float) -> float:
        """Seconds until it expires; infinite if the service did not say."""
        expires_at = self.margins.expires_at
        return INFINITY if expires_at is None else expires_at - self.now(wall, steady)

    @property
    def lifetime(self) -> float:
        """Seconds between its issue and its expiry."""
        expires_at = self.margins.expires_at
        return INFINITY if expires_at is None else expires_at - self.token.issued_at

    def zone(self, wall: float, steady: float) -> Zone:
        """Where in its life it is."""
        now = self.now(wall, steady)
        moments = self.margins
        if moments.expires_at is not None and now >= moments.expires_at:
            return Zone.EXPIRED
        if moments.hard_at is not None and now >= moments.hard_at:
            return Zone.HARD
        return Zone.SOFT if moments.soft_at is not None and now >= moments.soft_at else Zone.FRESH

    def glance(self, wall: float, steady: float) -> float:
        """Seconds for which nothing about it needs deciding, and the clocks need not be compared."""
        now = self.now(wall, steady)
        moments = self.margins
        ahead = [at - now for at in (moments.soft_at, moments.hard_at, moments.expires_at) if at is not None]
        return min(GLANCE, self.lifetime * GLANCE_SHARE, *(seconds for seconds in ahead if seconds > 0))

    def replaced_by(self, token: Token) -> bool:
        """Whether `token` is a later one. (A credential that was removed and added again counts from 1.)"""
        return token.version > self.token.version or token.issued_at > self.token.issued_at
