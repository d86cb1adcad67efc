"""An installation in hand: its credential as a source that remembers what went wrong, and its pool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vestal.core.clock import Clock, SystemClock
from vestal.core.credential import Credential
from vestal.core.errors import VestalError
from vestal.core.pool import Member, Pool
from vestal.core.source import TokenSource
from vestal.core.token import Token
from vestal.services.github.limits import TERMS
from vestal.services.github.place import Place
from vestal.services.github.pool.owners import host_of
from vestal.services.github.pool.pool import NAME

if TYPE_CHECKING:
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Noted:
    """A failure as it is shown to people."""

    at: float
    """Epoch seconds."""
    text: str


class WatchedSource:
    """A source that notes its last failure, and until when its last token is good."""

    def __init__(self, source: TokenSource, clock: Clock, min_ttl: float | None = None) -> None:
        """`min_ttl`: seconds that tokens must still be valid for, where the caller does not say."""
        self._source = source
        self._clock = clock
        self._min_ttl = min_ttl
        self.failure: Noted | None = None
        self.expires_at: float | None = None
        """Of the last token given; None if there was none, or if it has no end."""

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """See `TokenSource.token`."""
        try:
            token = self._source.token(newer_than, self._min_ttl if min_ttl is None else min_ttl)
        except VestalError as error:
            self.note(error)
            raise
        self.expires_at = token.expires_at
        return token

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """See `TokenSource.atoken`."""
        try:
            token = await self._source.atoken(newer_than, self._min_ttl if min_ttl is None else min_ttl)
        except VestalError as error:
            self.note(error)
            raise
        self.expires_at = token.expires_at
        return token

    def peek(self) -> Token | None:
        """See `TokenSource.peek`."""
        return self._source.peek()

    def note(self, error: VestalError) -> None:
        """Remember a failure."""
        self.failure = Noted(self._clock.now(), f"{error.category.value}: {error.message}")


@dataclass(eq=False, slots=True)
class Installed:
    """One installation of the app, as this client uses it."""

    id: int
    name: str
    """Of its credential."""
    home: Home = field(repr=False)
    source: WatchedSource = field(repr=False)
    pool: Pool = field(repr=False)

    def force(self) -> Token:
        """A new token, whatever the present one is good for. Raises `VestalError`."""
        try:
            token = self.home.source(self.name).refresh()
        except VestalError as error:
            self.source.note(error)
            raise
        self.source.expires_at = token.expires_at
        return token

    def record(self) -> Credential | None:
        """Its credential as the store has it."""
        return self.home.store.load(self.name)

    def clear(self) -> None:
        """Throw its token away, here and in the store; counts and history stay."""
        if self.home.store.load(self.name) is not None:
            self.home.lifecycle.update(self.name, _without_token)
        self.source.expires_at = None

    def forget_token(self) -> None:
        """Free the memory of an expired token."""
        self.home.source(self.name).forget()
        self.source.expires_at = None

    def expired(self, now: float) -> bool:
        """Whether the token that was used here last has expired, and no later one is at hand."""
        ends = self.source.expires_at
        return ends is not None and now >= ends and self.source.peek() is None


def installed(
    home: Home, place: Place, installation_id: int, name: str, headroom: int, min_ttl: float | None
) -> Installed:
    """An installation whose credential is in the home. `headroom`: requests of each quota that are left alone.

    All pools of this name and owner share their books, those of `GitHubTokenPool` too.
    """
    source = WatchedSource(home.source(name), home.clock, min_ttl)
    member = Member(name, source, f"{host_of(place)}/installation/{installation_id}", headroom=headroom)
    pool = Pool(
        [member], ledger=home.store.ledger, clock=home.clock, terms=TERMS, name=NAME, asleep=sleep_of(home.clock)
    )
    return Installed(installation_id, name, home, source, pool)


def sleep_of(clock: Clock) -> Callable[[float], Awaitable[None]]:
    """How tasks wait: by the loop, or by a clock of one's own."""

    async def sleep(seconds: float) -> None:
        await asyncio.to_thread(clock.sleep, seconds)

    return asyncio.sleep if isinstance(clock, SystemClock) else sleep


def _without_token(credential: Credential) -> Credential:
    return replace(credential, token=None)
