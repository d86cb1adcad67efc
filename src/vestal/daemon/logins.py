"""`Logins`: the logins that the daemon conducts."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from vestal.core.credential import App
from vestal.core.errors import TimedOut
from vestal.core.refreshing import DEADLINE
from vestal.core.secret import Secret
from vestal.daemon.login.answers import Answers
from vestal.daemon.login.conduct import Conduct, Login
from vestal.daemon.login.place import link_back, own_place
from vestal.daemon.problem import Refusal
from vestal.oauth2.login import loopback
from vestal.oauth2.page import Page
from vestal.oauth2.reception import HOLD, LIMIT, Receiver, Reception

if TYPE_CHECKING:
    from vestal.home import Home

__all__ = ["Login", "Logins"]

AT_ONCE = 32
"""Logins under way."""

KEPT_FOR = 600.0
"""Seconds for which one is remembered after its end."""

KEPT = 256
"""How many of those that have ended, at most."""


class Logins:
    """One at a time for each credential. For the event loop's thread, but for `end`."""

    def __init__(
        self,
        home: Home,
        url: str | None,
        *,
        deadline: float = DEADLINE,
        limit: float = LIMIT,
        hold: float = HOLD,
    ) -> None:
        """`url`: where browsers reach the daemon. Seconds: `deadline` for an address to be known, `limit` for the person
        at the browser, `hold` for a browser to be kept waiting for the end.
        """
        self._home = home
        self._url = url
        self._deadline = deadline
        self._limit = limit
        self._answers = Answers(hold)
        self._conducts: dict[str, Conduct] = {}
        """By id, in the order of their beginning."""
        self._ended = False

    async def start(self, name: str, device: bool = False, *, by: str = "?") -> Login:
        """Begin a login of a credential, in place of the one under way; the login once the person's address is known.

        `by`: who started it, for the audit log. Raises `Refusal` (404: no such credential; 409: yet another one was
        started; 503: too many), `ConfigError` for a grant that needs no login, and whatever else is in the way at once.
        """
        conduct = self._new(name, device, by)
        handed_out = False
        try:
            async with asyncio.timeout(self._deadline):
                await self._turn(conduct)
                conduct.begin()
                trouble = await asyncio.wrap_future(conduct.told)
            if trouble is not None:
                raise trouble.copy()
            assert conduct.login is not None
            handed_out = True
            return conduct.login
        except TimeoutError:
            pass
        finally:
            if not handed_out:
                conduct.end(_stopped(name))
                if not conduct.begun:
                    del self._conducts[conduct.id]
        raise TimedOut(f"no address to log in at within {self._deadline:g} s", credential=name, remedy="try again")

    def of(self, id: str) -> Login | None:
        """A login that is under way, or ended in the last ten minutes."""
        conduct = self._conducts.get(id)
        return None if conduct is None or self._is_old(conduct) else conduct.login

    def latest(self, name: str) -> Login | None:
        """The newest of those of a credential."""
        logins = [self.of(conduct.id) for conduct in self._named(name)]
        return next((login for login in reversed(logins) if login is not None), None)

    async def answer(self, query: Secret) -> tuple[int, Page]:
        """Status and page for the browser that has brought the answer of one of them, or something else."""
        return await self._answers.take(query)

    def end(self) -> None:
        """End all, and begin none. From any thread, and from a signal's handler: it takes no lock."""
        self._ended = True
        for conduct in list(self._conducts.values()):
            conduct.end(_stopping(conduct.name))

    def close(self) -> None:
        """End all, and wait until none is left."""
        self.end()
        for conduct in list(self._conducts.values()):
            conduct.join()

    def _new(self, name: str, device: bool, by: str) -> Conduct:
        """One more, before which those of the same credential end. Raises `Refusal`."""
        self._forget()
        earlier = [conduct for conduct in self._named(name) if conduct.busy]
        busy = sum(conduct.busy for conduct in self._conducts.values())
        if busy >= AT_ONCE + bool(earlier):
            raise Refusal(503, f"{busy} logins are under way already", remedy="finish one, or wait until one has ended")
        for conduct in earlier:
            conduct.end(_replaced(name))
        made = Conduct(self._home, name, device, by, self._limit, partial(self._receive, name))
        self._conducts[made.id] = made
        return made

    async def _turn(self, conduct: Conduct) -> None:
        """Wait until the ones before it have ended: it may need the same port. Raises `Refusal`."""
        while True:
            *earlier, newest = self._named(conduct.name)
            if newest is not conduct:
                raise _replaced(conduct.name)
            under_way = [asyncio.wrap_future(each.over) for each in earlier if each.begun and each.busy]
            if not under_way:
                break
            await asyncio.wait(under_way)
        if self._ended:
            raise _stopping(conduct.name)

    def _receive(self, name: str, app: App, reception: Reception) -> Receiver:
        place = own_place(app.settings, self._url)
        reception.link = link_back(name, place, self._url)
        return loopback(app, self._limit, reception) if place is None else self._answers.receiver(place, reception)

    def _named(self, name: str) -> list[Conduct]:
        return [conduct for conduct in list(self._conducts.values()) if conduct.name == name]

    def _is_old(self, conduct: Conduct) -> bool:
        return conduct.ended_at is not None and conduct.ended_at + KEPT_FOR < self._home.clock.steady()

    def _forget(self) -> None:
        over = [conduct for conduct in self._conducts.values() if not conduct.busy]
        for place, conduct in enumerate(reversed(over)):
            if place >= KEPT or self._is_old(conduct) or conduct.login is None:
                del self._conducts[conduct.id]


def _replaced(name: str) -> Refusal:
    return Refusal(409, "replaced by a newer login", credential=name[:200], remedy="use the address of the newest one")


def _stopped(name: str) -> Refusal:
    return Refusal(503, "whoever started the login did not wait for it", credential=name[:200], remedy="start it again")


def _stopping(name: str) -> Refusal:
    return Refusal(503, "the daemon stops", credential=name[:200], remedy="start the login again when it is back")
