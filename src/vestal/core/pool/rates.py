"""At most so many points in any span of time: what was spent when, and whether there is room for more. Pure.

Points are kept by time slots, in whole: a slot counts until the last moment of it has left the span. What is under way
counts in full, and is entered when its reply comes, since the service may have seen it at any moment until then.
"""

from __future__ import annotations

import math

from vestal.core.quota import Rate

SLOTS = 60
"""Into how many slots a span is divided, if they are not shorter than a second."""

Spent = tuple[tuple[int, float], ...]
"""Points by slot, the oldest first."""


def enter(spent: Spent, rate: Rate, points: float, now: float) -> Spent:
    """With these points, and without what has left the span."""
    slots = dict(_within(spent, rate, now))
    slot = math.floor(now / _length(rate))
    slots[slot] = slots.get(slot, 0.0) + points
    return tuple(sorted(slots.items()))


def free_at(spent: Spent, rate: Rate, under_way: float, points: float, now: float) -> float | None:
    """When there is room for so many points: `now` or earlier if there is, None if that hangs on replies to come.

    A request of more points than the rate allows has to be alone.
    """
    room = max(rate.points, points) - points - under_way
    if room < 0:
        return None
    within = _within(spent, rate, now)
    total = sum(amount for _, amount in within)
    at = now
    for slot, amount in within:
        if total <= room:
            break
        total -= amount
        at = (slot + 1) * _length(rate) + rate.seconds
    return at


def moved(spent: Spent, rate: Rate, seconds: float) -> Spent:
    """The same by a clock that was set: no slot comes to lie earlier than it should."""
    return tuple((slot + math.ceil(seconds / _length(rate)), amount) for slot, amount in spent)


def _within(spent: Spent, rate: Rate, now: float) -> Spent:
    return tuple((slot, amount) for slot, amount in spent if (slot + 1) * _length(rate) > now - rate.seconds)


def _length(rate: Rate) -> float:
    return max(1.0, rate.seconds / SLOTS)
