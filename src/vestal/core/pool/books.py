"""`Books`: what is known of one owner's quotas, and what of them is under way. A value, and its stored form."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vestal.core.pool.rates import Spent
from vestal.core.pool.window import Window
from vestal.core.quota import Charge

_FORM = 1
_LARGEST = 2**53
"""What JSON numbers hold exactly; what is larger is no count and no time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A request under way."""

    bucket: str
    cost: int
    at: float
    """Epoch seconds: when it was reserved."""
    step: int
    """The books' step when it was reserved: whatever ended at a later one may have overlapped with it."""
    points: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, charge: Charge, at: float, step: int) -> Entry:
        """The entry for a charge."""
        return cls(charge.bucket, charge.cost, at, step, dict(charge.points))


@dataclass(frozen=True, slots=True)
class Books:
    """One owner's books."""

    windows: Mapping[str, Window] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    spent: Mapping[str, Spent] = field(default_factory=dict)
    """What was spent of each rate."""
    rest_until: float = 0.0
    step: int = 0
    """Counts what has ended. Orders replies against reservations where clocks can't."""
    as_of: float = 0.0
    """Epoch seconds: when they were last changed."""

    def outstanding(self, bucket: str) -> int:
        """Units of a bucket that are under way."""
        return sum(entry.cost for entry in self.entries.values() if entry.bucket == bucket)

    def dumps(self) -> str:
        """The stored form: compact JSON."""
        windows = {
            name: [w.limit, w.told, w.reset_at, w.presumed, w.step, w.told_at, w.span, w.silent, w.lost]
            for name, w in self.windows.items()
        }
        entries = {
            id_: [e.bucket, e.cost, e.at, e.step, *([e.points] if e.points else [])] for id_, e in self.entries.items()
        }
        head = [_FORM, self.step, self.as_of, self.rest_until]
        return json.dumps([head, windows, entries, self.spent], separators=(",", ":"))

    @classmethod
    def parse(cls, text: str | None) -> Books:
        """From the stored form. What can't be read is forgotten: the service will tell again."""
        try:
            return _read(json.loads(text or "[]"))
        except (ValueError, TypeError, RecursionError):
            return cls()


def _read(value: Any) -> Books:
    (form, step, as_of, rest_until), windows, entries, spent = value
    if form != _FORM:
        return Books()
    return Books(
        windows={str(name): _window(*fields) for name, fields in _items(windows)},
        entries={str(id_): _entry(*fields) for id_, fields in _items(entries)},
        spent={str(name): _spent(slots) for name, slots in _items(spent)},
        rest_until=_time(rest_until),
        step=_count(step),
        as_of=_time(as_of),
    )


def _window(
    limit: Any, told: Any, reset_at: Any, presumed: Any, step: Any, told_at: Any, span: Any, silent: Any, lost: Any
) -> Window:
    return Window(
        limit=None if limit is None else _count(limit),
        told=None if told is None else _count(told),
        reset_at=None if reset_at is None else _time(reset_at),
        presumed=presumed is True,
        step=_count(step),
        told_at=_time(told_at),
        span=_time(span),
        silent=_count(silent),
        lost=tuple((_count(at), _count(cost)) for at, cost in lost),
    )


def _entry(bucket: Any, cost: Any, at: Any, step: Any, points: Any = None) -> Entry:
    amounts = {str(name): _time(amount) for name, amount in _items(points or {})}
    return Entry(str(bucket), _count(cost), _time(at), _count(step), amounts)


def _spent(slots: Any) -> Spent:
    return tuple((_count(slot), _time(points)) for slot, points in slots)


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise TypeError
    return value.items()


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise TypeError
    return value


def _time(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= _LARGEST:
        raise TypeError
    return float(value)
