"""What becomes of an owner's books: a request is reserved before it is sent, and settled by its reply. Pure.

The service's latest word is the lowest `remaining` of a window: the request that it came with was counted last. Subtracted
from it are all requests under way, counted already or not, and those with an unknown outcome that were given up after that
request was reserved; one that was given up earlier is in the word, or will never be. So what is left is never more than
the service has, however replies overtake each other, and what an unknown outcome holds back is freed by the next reply to a
request that was reserved later.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from vestal.core.pool.books import Books, Entry
from vestal.core.pool.rates import Spent, enter, free_at, moved
from vestal.core.pool.window import FARTHEST, Window, back_at, hear, missed, rolled
from vestal.core.quota import Charge, Terms, Told

JUMP = 60.0
"""Seconds by which clocks may differ. Books that are farther ahead were written before the clock was set back."""


class Answer(enum.Enum):
    """What comes of asking for a reservation."""

    GRANTED = "granted"
    BUSY = "busy"
    """Not now: something has to end first, or a rate has to recover."""
    EXHAUSTED = "exhausted"
    """Not before the reset."""
    RESTING = "resting"
    """The service wants this owner to be left alone."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, and when asking again may help (epoch seconds; None: as soon as something ends)."""

    answer: Answer
    until: float | None = None


GRANTED = Verdict(Answer.GRANTED)
BUSY = Verdict(Answer.BUSY)


def reserve(
    books: Books, charge: Charge, terms: Terms, headroom: int, id_: str, now: float, assumed: int | None = None
) -> tuple[Books, Verdict]:
    """Ask for a charge. `assumed`: the limit of the bucket while the service has told none."""
    books = advance(books, terms, now)
    if now < books.rest_until:
        return books, Verdict(Answer.RESTING, books.rest_until)
    books = _assume(books, charge.bucket, assumed, now)
    verdict = _in_bucket(books, charge, terms, headroom)
    if verdict is GRANTED:
        verdict = _in_rates(books, charge, terms, now)
    if verdict is GRANTED and terms.concurrent is not None and len(books.entries) >= terms.concurrent:
        verdict = BUSY
    if verdict is GRANTED:
        books = replace(books, entries={**books.entries, id_: Entry.of(charge, now, books.step)})
    return books, verdict


def settle(books: Books, id_: str, told: Told | None, terms: Terms, now: float) -> Books:
    """A request has ended, with what the reply said. None: nobody knows what became of it."""
    books = advance(books, terms, now, but=id_)
    entry = books.entries.get(id_)
    if entry is None:  # it took so long that it counts as spent
        return books if told is None else learn(books, told, terms, now)
    books = replace(_without(books, id_), spent=_spend(books, entry, terms, now), step=books.step + 1)
    named = entry.bucket if told is None or told.bucket is None else told.bucket
    if told is None or told.remaining is None:
        if named == entry.bucket:
            books = _with(books, named, missed(_window(books, named), entry.cost, told, books.step))
        return _rest(books, told, now)
    books = _with(books, named, hear(_window(books, named), told, entry.step, books.step, now))
    return _rest(books, told, now)


def release(books: Books, id_: str, terms: Terms, now: float) -> Books:
    """A request was never sent: as if it had not been reserved."""
    return _without(advance(books, terms, now, but=id_), id_)


def learn(books: Books, told: Told, terms: Terms, now: float) -> Books:
    """What the service says without a reservation. It may be older than what is known."""
    books = advance(books, terms, now)
    if told.bucket is not None and told.remaining is not None:
        books = replace(books, step=books.step + 1)
        window = hear(_window(books, told.bucket), told, -1, books.step, now)
        books = _with(books, told.bucket, window)
    return _rest(books, told, now)


def advance(books: Books, terms: Terms, now: float, but: str = "") -> Books:
    """What time alone changes: resets, and reservations that were never settled (`but` this one)."""
    if set_back(books, now):
        books = _moved(books, terms, now - books.as_of)
    for id_, entry in books.entries.items():
        if now - entry.at >= terms.reserved_for and id_ != but:
            step = books.step + 1
            books = replace(_without(books, id_), spent=_spend(books, entry, terms, now), step=step)
            books = _with(books, entry.bucket, missed(_window(books, entry.bucket), entry.cost, None, step))
    for name, window in books.windows.items():
        later = rolled(window, terms, books.step + 1, now)
        if later is not window:
            books = replace(_with(books, name, later), step=books.step + 1)
    return replace(books, as_of=max(books.as_of, now))


def set_back(books: Books, now: float) -> bool:
    """Whether the clock was set back since they were changed last."""
    return books.as_of - now > JUMP


def left(books: Books, bucket: str, headroom: int) -> int | None:
    """Units that may be reserved now; None: unknown."""
    remaining = _window(books, bucket).remaining
    kept = for_others(_window(books, bucket).limit, headroom)
    return None if remaining is None else max(remaining - books.outstanding(bucket) - kept, 0)


def for_others(limit: int | None, headroom: int) -> int:
    """The headroom in a bucket of this limit: at most half, or one that is small could never be used."""
    return headroom if limit is None else min(headroom, limit // 2)


# One bucket


def _in_bucket(books: Books, charge: Charge, terms: Terms, headroom: int) -> Verdict:
    if charge.cost == 0:
        return GRANTED
    window, outstanding = _window(books, charge.bucket), books.outstanding(charge.bucket)
    if window.remaining is None:
        return GRANTED if outstanding == 0 or window.unlimited else BUSY
    if window.remaining - outstanding - for_others(window.limit, headroom) >= charge.cost:
        return GRANTED
    return BUSY if outstanding else Verdict(Answer.EXHAUSTED, back_at(window, terms))


def _assume(books: Books, bucket: str, assumed: int | None, now: float) -> Books:
    window = _window(books, bucket)
    if assumed is None or window.told is not None or window.limit is not None or window.unlimited:
        return books
    step = books.step + 1
    window = replace(window, limit=assumed, told=assumed, presumed=True, step=step, told_at=now)
    return replace(_with(books, bucket, window), step=step)


# The owner


def _in_rates(books: Books, charge: Charge, terms: Terms, now: float) -> Verdict:
    latest = now
    for name, points in charge.points.items():
        rate = terms.rates.get(name)
        if rate is None or points <= 0:
            continue
        under_way = sum(entry.points.get(name, 0.0) for entry in books.entries.values())
        free = free_at(books.spent.get(name, ()), rate, under_way, points, now)
        if free is None:
            return BUSY
        latest = max(latest, free)
    return GRANTED if latest <= now else Verdict(Answer.BUSY, latest)


def _spend(books: Books, entry: Entry, terms: Terms, now: float) -> dict[str, Spent]:
    """The rates' points of a request that has ended."""
    entered = {
        name: enter(books.spent.get(name, ()), terms.rates[name], points, now)
        for name, points in entry.points.items()
        if name in terms.rates and points > 0
    }
    return {**books.spent, **entered}


def _rest(books: Books, told: Told | None, now: float) -> Books:
    if told is None or told.rest_until is None or not math.isfinite(told.rest_until):
        return books
    return replace(books, rest_until=max(books.rest_until, min(told.rest_until, now + FARTHEST)))


def _moved(books: Books, terms: Terms, seconds: float) -> Books:
    """The same by a clock that was set: nothing has come nearer or gone farther."""

    def to(time: float) -> float:
        return max(time + seconds, 0.0)

    return replace(
        books,
        windows={
            name: replace(w, told_at=to(w.told_at), reset_at=None if w.reset_at is None else to(w.reset_at))
            for name, w in books.windows.items()
        },
        entries={id_: replace(entry, at=to(entry.at)) for id_, entry in books.entries.items()},
        spent={
            name: moved(slots, terms.rates[name], seconds) for name, slots in books.spent.items() if name in terms.rates
        },
        rest_until=to(books.rest_until),
        as_of=to(books.as_of),
    )


def _window(books: Books, bucket: str) -> Window:
    return books.windows.get(bucket) or _UNKNOWN


_UNKNOWN = Window()


def _with(books: Books, bucket: str, window: Window) -> Books:
    windows: Mapping[str, Window] = {**books.windows, bucket: window}
    return replace(books, windows=windows)


def _without(books: Books, id_: str) -> Books:
    return replace(books, entries={each: entry for each, entry in books.entries.items() if each != id_})
