"""The pool as a `TokenSource`: the token of the member with the most left.

A pool's version of a token tells whose it is and which: member's version times the number of members, plus the member's
place. What stands above that counts how often a refused token was replaced by another member's, so that versions grow then
too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace

from vestal.core.errors import VestalError
from vestal.core.pool.bench import Bench
from vestal.core.pool.member import Member
from vestal.core.pool.prospects import Prospects
from vestal.core.token import Token

_TURN = 1 << 40


class PoolSource:
    """Tokens of members. No request is reserved: see `Pool.reserve`."""

    def __init__(self, members: Sequence[Member], bucket: str, prospects: Prospects, bench: Bench) -> None:
        """`bucket`: by what is left of which one members are chosen."""
        self.members = tuple(members)
        self._places = {member.name: place for place, member in enumerate(self.members)}
        self._bucket = bucket
        self._prospects = prospects
        self._bench = bench
        self._turn = 0
        self._given: dict[str, tuple[Token, Token]] = {}
        """By member: its latest token as it was, and as the pool gave it."""

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """A token that works; see `TokenSource.token`.

        A refused one is reported to the member that it came from. If that has no other one, and for good, it is benched,
        and another member's is given. Raises the first member's error if none has a token; `NeedsLogin` if all are benched.
        """
        if self._prospects.stale:
            self._prospects.books(self.members)
        first: VestalError | None = None
        for member, refused in self._order(newer_than):
            try:
                return self._give(member, member.source.token(refused, min_ttl), newer_than)
            except VestalError as error:
                first = self._failed(member, refused, error, first)
        raise first or self._nobody()

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """The same for asyncio; see `TokenSource.atoken`."""
        if self._prospects.stale:
            await asyncio.to_thread(self._prospects.books, self.members)
        first: VestalError | None = None
        for member, refused in self._order(newer_than):
            try:
                return self._give(member, await member.source.atoken(refused, min_ttl), newer_than)
            except VestalError as error:
                first = self._failed(member, refused, error, first)
        if first is None:
            first = await asyncio.to_thread(self._nobody)
        raise first

    def peek(self) -> Token | None:
        """A token at hand. Never blocks, does no I/O."""
        for member, _ in self._order(None):
            token = member.source.peek()
            if token is not None:
                return self._give(member, token, None)
        return None

    def _order(self, newer_than: int | None) -> Iterator[tuple[Member, int | None]]:
        """Whom to ask, with the version that was refused: first the one whose token that was, then by what is left."""
        asked: Member | None = None
        if newer_than is not None:
            version, place = divmod(newer_than % _TURN, len(self.members))
            if self._bench.reason(self.members[place]) is None:
                asked = self.members[place]
                yield asked, version
        for member in self._prospects.at_a_glance(self._bench.usable(), self._bucket):
            if member is not asked:
                yield member, None

    def _give(self, member: Member, token: Token, newer_than: int | None) -> Token:
        before = self._given.get(member.name)
        if before is not None and before[0] is token and (newer_than is None or before[1].version > newer_than):
            return before[1]
        version = token.version * len(self.members) + self._places[member.name]
        if newer_than is not None and self._turn * _TURN + version <= newer_than:
            self._turn = newer_than // _TURN + 1
        given = replace(token, version=self._turn * _TURN + version)
        self._given[member.name] = token, given
        return given

    def _failed(
        self, member: Member, refused: int | None, error: VestalError, first: VestalError | None
    ) -> VestalError:
        """Note that a member has no token. The error to raise if nobody else has one."""
        if not error.passing and self._bench.reason(member) is None:
            self._bench.add(member, error.message, refused)
        return first or error.copy()

    def _nobody(self) -> VestalError:
        """Why there was no member to ask."""
        try:
            self._bench.candidates()
        except VestalError as error:
            return error.copy()
        return VestalError("members of the pool came back just now", remedy="ask again")
