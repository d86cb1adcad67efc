"""`House`: what the routes of the daemon work with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import vestal
from vestal.core.credential import check_name
from vestal.core.errors import ConfigError, TimedOut, VestalError
from vestal.core.refreshing import RefreshingSource
from vestal.core.token import Token
from vestal.daemon.access import Access, Grantee
from vestal.daemon.activity import Activity
from vestal.daemon.broadcast import Broadcast
from vestal.daemon.census import Census
from vestal.daemon.counters import Counters
from vestal.daemon.limits import FailedKeys, Limits
from vestal.daemon.logins import Logins
from vestal.daemon.problem import unknown_credential
from vestal.daemon.sessions import Sessions
from vestal.home import Home

_T = TypeVar("_T")


class Refresher(Protocol):
    """What keeps credentials fresh before anybody asks, as far as it is shown."""

    def status(self) -> Any:
        """What it is doing."""


class House:
    """A home with its door open. Its methods are for the event loop's thread; `close` is for after it."""

    def __init__(
        self,
        home: Home,
        access: Access | None = None,
        refresher: Refresher | None = None,
        counters: Counters | None = None,
        *,
        started_at: float | None = None,
        version: str = vestal.__version__,
        limits: Limits | None = None,
        url: str | None = None,
    ) -> None:
        """Opens the home's store. `started_at`: epoch seconds. `url`: where browsers reach it (`http://127.0.0.1:8378`),
        None if it listens at its socket only. Raises `ConfigError` for a home that can't be used.
        """
        self.home = home
        self.access = access or Access(home.folder, clock=home.clock)
        self.refresher = refresher
        self.limits = limits or Limits()
        self.counters = counters or Counters()
        self.failed_keys = FailedKeys(self.limits.failed_keys, self.limits.failed_window)
        self.broadcast = Broadcast(
            listeners=self.limits.listeners, backlog=self.limits.backlog, share=self.limits.listeners_each
        )
        self.sessions = Sessions(home.clock)
        self.census = Census(home, look_inside=home.store.load)
        self.activity = Activity()
        self.logins = Logins(home, url)
        self.url = url
        self.started_at = home.clock.now() if started_at is None else started_at
        self.version = version
        self.draining = False
        self._met: set[str] = set()
        """Names of credentials that were there when they were asked for first."""
        self._meetings: dict[str, asyncio.Task[bool | VestalError]] = {}
        self._forced: dict[str, asyncio.Task[Token | VestalError]] = {}
        """Refreshes under way that somebody asked for."""
        self._key_reader = ThreadPoolExecutor(1, "vestal keys")
        self._noting: asyncio.TimerHandle | None = None
        self._readers = ThreadPoolExecutor(self.limits.readers, "vestal reader")
        self._refreshes = ThreadPoolExecutor(self.limits.refreshes, "vestal asked refresh")
        home.lifecycle.events.listen(self.counters)
        home.lifecycle.events.listen(self.activity)
        home.lifecycle.events.listen(self.broadcast)  # the last: who hears of an event finds it in the others

    async def source(self, name: str) -> RefreshingSource:
        """The source of a credential. Raises `Refusal` (404) if there is none: a source is kept for good, so that one for
        every name that anybody asks for would be too many.
        """
        if name not in self._met:
            await self._meet(name)
        return self.home.source(name)

    async def token(self, name: str, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """A token that works, counted; without a thread while the one at hand is good. Raises `VestalError`."""
        source = self.home.source(name) if name in self._met else await self.source(name)
        at_hand = source.peek()
        steady = self.home.clock.steady
        began = steady()
        try:
            token = await source.atoken(newer_than, min_ttl)
        except ConfigError:
            self.counters.asked(name, hit=False, waited=steady() - began)
            self._met.discard(name)  # it may have been removed: look again
            await self._meet(name)
            raise
        except BaseException:
            self.counters.asked(name, hit=False, waited=steady() - began)
            raise
        self.counters.asked(name, hit=token is at_hand, waited=steady() - began)
        return token

    async def refresh(self, name: str) -> Token:
        """Refresh now; who asks while that is under way gets what it brings. Raises `VestalError`."""
        source = await self.source(name)
        task = self._forced.get(name)
        if task is None:
            task = self._forced[name] = asyncio.create_task(self._force(source))
            task.add_done_callback(lambda done: self._forced.pop(name, None))
        found = await asyncio.shield(task)
        if isinstance(found, VestalError):
            raise found.copy()
        return found

    async def read(self, work: Callable[[], _T]) -> _T:
        """Do work that may wait for the disk, in a thread, within the deadline. Raises `TimedOut`, and as `work`."""
        return await self._run(self._readers, work)

    async def welcomes(self, grantee: Grantee) -> bool:
        """Whether somebody who was let in before still is: their key may have been revoked since. Raises as `Access`."""
        if grantee.key_id and self.access.stale:
            await self.read_keys()
        return self.access.holds(grantee)

    async def read_keys(self) -> None:
        """Bring the API keys up to date, in a thread that no store which hangs keeps busy. Raises as `Access.reload`."""
        await self._run(self._key_reader, self.access.reload)

    def note_keys(self) -> None:
        """A key was used: let that be on the disk within a minute, whether or not one is used again."""
        if self._noting is None:
            self._noting = asyncio.get_running_loop().call_later(self.limits.noted, self._note_keys)

    def holds(self, names: Iterable[str]) -> bool:
        """Whether a token of any of these is at hand."""
        return any(self.home.source(name).peek() is not None for name in self._met.intersection(names))

    def forget(self, name: str) -> None:
        """A credential is not there any more: look for it again when somebody asks."""
        self._met.discard(name)

    def drain(self) -> None:
        """Take no more work: event streams end, and `/readyz` says no. From any thread."""
        self.draining = True
        self.logins.end()
        self.broadcast.end()

    def close(self) -> None:
        """Let go of threads and keys. The home is its owner's to close."""
        self.drain()
        self.logins.close()
        for pool in (self._key_reader, self._readers, self._refreshes):
            pool.shutdown(wait=True, cancel_futures=True)
        self.access.close()

    def _note_keys(self) -> None:
        self._noting = None
        if not self.draining:
            self._key_reader.submit(self.access.flush)

    async def _meet(self, name: str) -> None:
        """See whether a credential is there: once at a time, whoever asks."""
        task = self._meetings.get(name)
        if task is None:
            task = self._meetings[name] = asyncio.create_task(self._look(name))
            task.add_done_callback(lambda done: self._meetings.pop(name, None))
        found = await asyncio.shield(task)
        if isinstance(found, VestalError):
            raise found.copy()
        if not found:
            raise unknown_credential(name)
        self._met.add(name)

    async def _look(self, name: str) -> bool | VestalError:
        try:
            check_name(name)
        except ConfigError:
            return False  # it can't name any
        try:
            return await self.read(lambda: self.home.store.load(name)) is not None
        except VestalError as error:
            return error.copy()

    async def _force(self, source: RefreshingSource) -> Token | VestalError:
        try:
            return await self._run(self._refreshes, source.refresh)
        except VestalError as error:
            return error.copy()

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        try:
            async with asyncio.timeout(self.limits.deadline):
                return await asyncio.get_running_loop().run_in_executor(pool, work)
        except TimeoutError:
            pass
        raise TimedOut(f"no answer within {self.limits.deadline:g} s", remedy="try again, or look at `vestal doctor`")
