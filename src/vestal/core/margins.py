"""When to refresh. Pure functions of a token's times."""

from __future__ import annotations

from dataclasses import dataclass

from vestal.core.token import Token

SOFT = 600.0
"""Seconds before expiry from which one caller refreshes in the background while all go on."""
HARD = 300.0
"""Seconds before expiry from which callers wait for the refresh."""
SOFT_SHARE, HARD_SHARE = 1 / 3, 1 / 6
"""Both margins are at most this share of the lifetime."""
SPREAD = 0.2
"""Jitter: each margin grows by up to this share of itself, so that a fleet does not march in step."""


@dataclass(frozen=True, slots=True)
class Margins:
    """Moments in a token's life, in epoch seconds; all None if it has no known end."""

    soft_at: float | None
    hard_at: float | None
    expires_at: float | None


def margins(token: Token, jitter: float = 0.0) -> Margins:
    """The margins of a token. `jitter` is between 0 and 1 and moves both forward.

    A server's own hint (`refresh_at`) replaces the soft margin, but never passes the hard one.
    """
    if token.expires_at is None:
        return Margins(token.refresh_at, None, None)
    lifetime = max(token.expires_at - token.issued_at, 0.0)
    stretch = 1 + SPREAD * jitter
    hard_at = token.expires_at - min(HARD, lifetime * HARD_SHARE) * stretch
    soft_at = token.expires_at - min(SOFT, lifetime * SOFT_SHARE) * stretch
    if token.refresh_at is not None:
        soft_at = min(token.refresh_at, hard_at)
    return Margins(soft_at, hard_at, token.expires_at)


def from_the_future(token: Token, now: float) -> bool:
    """Whether the token was issued later than now by more than a clock's ordinary error: the clock has gone back.

    How old such a token is can't be known. The error allowed is the hard margin, which absorbs it.
    """
    if token.expires_at is None:
        return False
    return now < token.issued_at - min(HARD, max(token.expires_at - token.issued_at, 0.0) * HARD_SHARE)
