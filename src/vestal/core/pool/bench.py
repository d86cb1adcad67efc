"""Which members of a pool can be used: all but those whose token is refused for good."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from vestal.core.clock import Clock
from vestal.core.errors import ConfigError, NeedsLogin, VestalError
from vestal.core.events import Kind
from vestal.core.pool.member import Member

KNOCK = 30.0
"""Seconds after which the source of a benched member is asked again, if there is nobody else."""

LATER = 300.0
"""Seconds after which it is asked again, if there are others: one member by one caller."""


@dataclass(slots=True)
class _Benched:
    reason: str
    version: int
    """Of the token that was refused."""
    asked_at: float
    """By the steady clock."""


class Bench:
    """The members of one pool object, and who of them is out."""

    def __init__(self, pool: str, members: Sequence[Member], clock: Clock, emit: Callable[..., None]) -> None:
        self._pool = pool
        self._members = {member.name: member for member in members}
        self._clock = clock
        self._emit = emit
        self._benched: dict[str, _Benched] = {}

    def member(self, name: str) -> Member:
        """The member of that name. Raises `ConfigError`."""
        if name not in self._members:
            raise ConfigError(
                f"the pool {self._pool} has no member {name}", remedy=f"its members are {', '.join(self._members)}"
            )
        return self._members[name]

    def add(self, member: Member, reason: str, version: int | None = None) -> None:
        """Do without a member until its source has a token of a later version than this (None: than the one at hand)."""
        token = member.source.peek() if version is None else None
        found = version if version is not None else 0 if token is None else token.version
        self._benched[member.name] = _Benched(reason, found, self._clock.steady())
        self._emit(Kind.MEMBER_BENCHED, member=member.name, reason=reason)

    def remove(self, member: Member) -> None:
        """Put a member back."""
        if self._benched.pop(member.name, None) is not None:
            self._emit(Kind.MEMBER_BACK, member=member.name)

    def reason(self, member: Member) -> str | None:
        """Why a member is out; None if it is not."""
        benched = self._benched.get(member.name)
        if benched is None:
            return None
        token = member.source.peek()
        if token is not None and token.version > benched.version:
            self.remove(member)
            return None
        return benched.reason

    def usable(self) -> list[Member]:
        """The members that are not out. No I/O."""
        return [member for member in self._members.values() if self.reason(member) is None]

    def candidates(self, only: Collection[str] | None = None, avoid: Collection[str] = ()) -> list[Member]:
        """Those of a caller's choice that can be used. Raises `ConfigError`, and `NeedsLogin` if all of them are out."""
        for name in only or ():
            self.member(name)
        chosen = [
            member
            for member in self._members.values()
            if (only is None or member.name in only) and member.name not in avoid
        ]
        if not chosen:
            raise ConfigError(f"no member of the pool {self._pool} is left to choose from", remedy="avoid fewer")
        usable = [member for member in chosen if self.reason(member) is None]
        if not usable:
            usable = [member for member in chosen if self._has_come_back(member, KNOCK)]
        elif (one := next((member for member in chosen if self._is_due(member, LATER)), None)) is not None:
            usable += [one] if self._has_come_back(one, LATER) else []
        if usable:
            return usable
        reasons = "; ".join(f"{member.name}: {self.reason(member)}" for member in chosen)
        raise NeedsLogin(
            f"no member of the pool {self._pool} can be used: {reasons}", remedy="log in again, or put new tokens in"
        )

    def _is_due(self, member: Member, after: float) -> bool:
        benched = self._benched.get(member.name)
        return benched is not None and self._clock.steady() - benched.asked_at >= after

    def _has_come_back(self, member: Member, after: float) -> bool:
        """Ask a source itself: another process may have seen a login, or what was wrong has passed."""
        benched = self._benched.get(member.name)
        if benched is None:
            return True
        if not self._is_due(member, after):
            return False
        benched.asked_at = self._clock.steady()
        try:
            member.source.token(newer_than=benched.version)
        except VestalError:
            return False
        self.remove(member)
        return True
