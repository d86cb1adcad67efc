"""The members of a pool, what they may spend, and how they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vestal.core.pool.accounting import for_others, left
from vestal.core.pool.books import Books
from vestal.core.quota import Charge
from vestal.core.source import TokenSource


@dataclass(frozen=True, slots=True)
class Member:
    """One source of a pool."""

    name: str
    """For people; never the token. Unique within the pool."""
    source: TokenSource = field(repr=False)
    owner: str
    """Whose quota it draws on. Members of one owner share its books."""
    headroom: int = 0
    """Units of each bucket that are left for others, but at most half of it."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to send one request with a member's token. It has to be settled, or released if nothing was sent."""

    id: str
    member: Member
    charge: Charge
    at: float
    """Epoch seconds."""


class Left(NamedTuple):
    """What is left of a bucket. None: unknown."""

    limit: int | None
    remaining: int | None
    """Units that may be reserved now: without what is under way, and without the headroom."""
    reset_at: float | None
    """Epoch seconds."""


@dataclass(frozen=True, slots=True)
class MemberState:
    """How a member stands, for people."""

    name: str
    owner: str
    buckets: Mapping[str, Left]
    resting_until: float | None
    """Epoch seconds; None: it is not resting."""
    outstanding: int
    """Requests of its owner that are under way."""
    benched: str | None
    """Why the pool does without it; None: it does not."""


def state(
    member: Member, books: Books, assumed: Mapping[str, int], benched: str | None, bucket: str | None = None
) -> MemberState:
    """How a member stands by its owner's books: in all buckets that anything is known or assumed of, or in one."""
    names = sorted({*books.windows, *assumed}) if bucket is None else [bucket]
    found = {name: _left(member, books, assumed.get(name), name) for name in names}
    return MemberState(
        name=member.name,
        owner=member.owner,
        buckets={name: rest for name, rest in found.items() if rest is not None},
        resting_until=books.rest_until if books.rest_until > books.as_of else None,
        outstanding=len(books.entries),
        benched=benched,
    )


def _left(member: Member, books: Books, assumed: int | None, bucket: str) -> Left | None:
    window = books.windows.get(bucket)
    if window is not None:
        reset_at = None if window.presumed else window.reset_at
        return Left(window.limit, left(books, bucket, member.headroom), reset_at)
    return None if assumed is None else Left(assumed, assumed - for_others(assumed, member.headroom), None)
