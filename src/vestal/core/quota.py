"""What is left of a quota, and who may have it. Pure: one owner's books as a value, and what becomes of them.

An owner (an account, an installation) has quotas by *bucket*: a limit, what remains of it and when it is full again, as
the service tells with every answer. Beside these stand limits that a service keeps without telling: *rates* (points in a
span of time) and how many requests may be under way at once. A request is reserved before it is sent and settled by its
reply, so that any number of workers together never ask for more than there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request will cost: `cost` units of `bucket`, and points of rates by their names."""

    bucket: str
    cost: int = 1
    """At least what the service will take. 0: free, but it counts for rates and concurrency."""
    points: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """What a reply says of a quota. None: it does not say. Times are epoch seconds by our own clock."""

    bucket: str | None = None
    """The bucket that really was charged, if the service names it."""
    limit: int | None = None
    remaining: int | None = None
    reset_at: float | None = None
    rest_until: float | None = None
    """The service wants this owner to be left alone until then, whatever is left (a secondary limit)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `points` in any `seconds`."""

    points: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Terms:
    """The limits that a service keeps without telling, per owner."""

    concurrent: int | None = None
    rates: Mapping[str, Rate] = field(default_factory=dict)
    reserved_for: float = 120.0
    """Seconds after which a reservation that was never settled (its worker was killed) counts as spent."""
    after_reset: float = 1.0
    """Seconds to stay away from a bucket after its reset: clocks differ, and services tell whole seconds."""
