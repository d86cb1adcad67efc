"""`Grant`: what a service granted, before it becomes a credential's next token."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vestal.core.secret import Secret
from vestal.core.token import Token

LONGEST_LIFETIME = 10 * 365 * 86400.0
"""Seconds. A longer `expires_in` is cut to this: it would overflow dates, and it says "for ever" anyway."""


def seconds(value: object) -> float | None:
    """A lifetime as services write it, in seconds: a number or a numeric string; None for what says nothing.

    Zero, negative, NaN and unreadable values are treated as missing: a token that is handed out and refused costs one
    more refresh, while one that counts as expired on arrival would be refreshed by every call.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if math.isnan(number) or number <= 0:
        return None
    return min(number, LONGEST_LIFETIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a service granted. Times are seconds; those ending in `_in` count from the sending of the request."""

    access_token: Secret
    token_type: str = "Bearer"
    expires_in: float | None = None
    refresh_in: float | None = None
    refresh_token: Secret | None = None
    refresh_token_expires_in: float | None = None
    scope: str | None = None
    """None: as asked for (RFC 6749, 5.1)."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def token(self, version: int, sent_at: float, default_scope: str = "") -> Token:
        """The token that this grant makes, as number `version` of its credential."""
        return Token(
            access_token=self.access_token,
            token_type=self.token_type,
            expires_at=None if self.expires_in is None else sent_at + self.expires_in,
            scope=default_scope if self.scope is None else self.scope,
            version=version,
            issued_at=sent_at,
            refresh_at=None if self.refresh_in is None else sent_at + self.refresh_in,
        )
