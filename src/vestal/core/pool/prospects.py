"""What each member of a pool would get just now, the best first: read from the ledger, decided by nobody yet."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vestal.core.clock import Clock
from vestal.core.ledger import Ledger
from vestal.core.pool.accounting import Answer, advance, left, reserve, set_back
from vestal.core.pool.books import Books
from vestal.core.pool.member import Member, Reservation
from vestal.core.quota import Charge, Terms

GLANCE = 1.0
"""Seconds for which what was seen is good enough to choose a token by."""

_PLENTY = float("inf")


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a member would get, or got."""

    member: Member
    answer: Answer
    until: float | None = None
    """When asking again may help (epoch seconds); None: at any moment, or unknown."""
    left: int | None = None
    """Units that could be reserved now; None: unknown."""
    reservation: Reservation | None = None


class Prospects:
    """Reads the books of a pool's owners."""

    def __init__(self, pool: str, ledger: Ledger, clock: Clock, terms: Terms, assumed: Mapping[str, int]) -> None:
        self._pool = pool
        self._ledger = ledger
        self._clock = clock
        self._terms = terms
        self._assumed = assumed
        self._seen: dict[str, Books] = {}
        self._seen_at: float | None = None
        """By the steady clock."""

    def key(self, member: Member) -> str:
        """Where the books of a member's owner lie."""
        return f"quota/{self._pool}/{member.owner}"

    def books(self, members: Sequence[Member]) -> dict[str, Books]:
        """The books of these members' owners, as stored."""
        texts = self._ledger.read(list({self.key(member) for member in members}))
        books = {member.owner: Books.parse(texts.get(self.key(member))) for member in members}
        self._seen = {**self._seen, **books}
        self._seen_at = self._clock.steady()
        return books

    def saw(self, owner: str, books: Books) -> None:
        """Somebody has read an owner's books anyway."""
        self._seen = {**self._seen, owner: books}

    def of(self, members: Sequence[Member], charge: Charge) -> list[Prospect]:
        """What each would get, the one with the most left first, and equals in any order."""
        books, now = self.books(members), self._clock.now()
        for member in members:
            if set_back(books[member.owner], now):
                books[member.owner] = self._mend(member, now)
        found = [self._prospect(member, books[member.owner], charge, now) for member in members]
        random.shuffle(found)  # many workers look at once, and should not all fall upon the same one
        return sorted(found, key=_rank)

    def at_a_glance(self, members: Sequence[Member], bucket: str) -> list[Member]:
        """The members, the one with the most left first, by what was seen last: no I/O."""
        now = self._clock.now()
        found = [self._prospect(each, self._seen.get(each.owner, Books()), Charge(bucket), now) for each in members]
        return [prospect.member for prospect in sorted(found, key=_rank)]

    @property
    def stale(self) -> bool:
        """Whether it is time to look again."""
        return self._seen_at is None or self._clock.steady() - self._seen_at > GLANCE

    def _prospect(self, member: Member, books: Books, charge: Charge, now: float) -> Prospect:
        assumed = self._assumed.get(charge.bucket)
        books = advance(books, self._terms, now)
        after, verdict = reserve(books, charge, self._terms, member.headroom, "", now, assumed)
        rest = left(after, charge.bucket, member.headroom)
        if rest is not None and verdict.answer is Answer.GRANTED:
            rest += charge.cost
        return Prospect(member, verdict.answer, verdict.until, rest)

    def _mend(self, member: Member, now: float) -> Books:
        """The clock was set back: for good, or what is to come would for ever stay as far away as it is now."""

        def change(text: str | None) -> tuple[str | None, Books]:
            books = advance(Books.parse(text), self._terms, now)
            return books.dumps(), books

        return self._ledger.change(self.key(member), change)


def _rank(prospect: Prospect) -> tuple[bool, float]:
    return prospect.answer is not Answer.GRANTED, -(_PLENTY if prospect.left is None else prospect.left)
