"""The browsers that bring an answer to the daemon itself. What proves an answer is its `state` (RFC 6749, section 10.12)."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Self

from vestal.core.secret import Secret
from vestal.daemon.login.place import Place
from vestal.oauth2.page import Page
from vestal.oauth2.reception import HOLD, Judge, Reception

FIELDS = 64
"""Parameters that an answer may have: services send five or so, and anybody may send any."""

HELD = 8
"""Browsers that are kept waiting for the end of one login."""

_STRANGER = Page(
    "No login waits for this",
    "It belongs to no login that is under way. It may have ended already, or another one has taken its place.",
    ok=False,
    remedy="Start the login again, and use the newest address.",
    where="the page where it began",
)


class Answers:
    """The logins that wait for one. `take` is for the event loop's thread, receivers are for their logins' threads."""

    def __init__(self, hold: float = HOLD) -> None:
        """`hold`: seconds for which a browser is kept waiting for the end of its login."""
        self._hold_for = hold
        self._awaited: dict[int, Reception] = {}
        self._held: Counter[int] = Counter()

    def receiver(self, place: Place, reception: Reception) -> _Receiver:
        """What takes the answer for one login."""
        return _Receiver(self._awaited, place, reception)

    async def take(self, query: Secret) -> tuple[int, Page]:
        """Status and page for what a browser has brought. The right one waits for the end of its login."""
        if query.reveal().count("&") < FIELDS:
            for reception in tuple(self._awaited.values()):
                if reception.is_answer(query):
                    reception.take(query)
                    return 200, await self._hold(reception)
        return 400, _STRANGER

    async def _hold(self, reception: Reception) -> Page:
        key = id(reception)
        if self._held[key] >= HELD:
            return reception.held_long()
        self._held[key] += 1
        end = asyncio.wrap_future(reception.page)
        try:
            await asyncio.wait({end}, timeout=self._hold_for)
            return end.result() if end.done() else reception.held_long()
        finally:
            end.cancel()  # which does nothing to the page
            self._held[key] -= 1
            if not self._held[key]:
                del self._held[key]


class _Receiver:
    """The daemon's own address as one login's `Receiver`."""

    def __init__(self, awaited: dict[int, Reception], place: Place, reception: Reception) -> None:
        self._awaited = awaited
        self._reception = reception
        self.redirect_uri = place.redirect_uri
        self.port = place.port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Wait no longer."""
        self._awaited.pop(id(self._reception), None)
        self._reception.close()

    def listen(self, accept: Judge) -> None:
        """Take answers from now on."""
        self._reception.listen(accept)
        self._awaited[id(self._reception)] = self._reception

    def wait(self) -> Secret:
        """The query of the first answer."""
        return self._reception.wait()

    def finish(self, title: str, text: str, ok: bool, remedy: str = "") -> None:
        """Tell the person at the browser how it ended."""
        self._reception.finish(title, text, ok, remedy)
