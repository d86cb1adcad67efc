"""When which credential is to be refreshed. Pure: clocks, chance and the store's records are passed in.

It is made of what a record shows without being unsealed: whoever edits that can only cause a look at the real record, whose
seal is checked then.
"""

from __future__ import annotations

import enum
import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from vestal.core.credential import LOGIN_GRANTS
from vestal.core.errors import Category
from vestal.core.margins import from_the_future, margins
from vestal.core.secret import Secret
from vestal.core.token import Token

IDLE_LIFETIMES = 3
"""For so many lifetimes a token that costs nothing to mint (client credentials, an App's installation) is kept fresh without
anybody asking for it. Then it is left to be minted on demand, until somebody does."""

REFUSED_AGAIN = 3600.0
"""Seconds after which an app whose registration was refused is looked at again: its key may have been replaced where another
credential keeps it. Nothing is sent before it was."""

LATE = 5.0
"""Seconds: what is further behind was overtaken by a stop or by a machine that slept, and joins the crowd of those."""

CROWD_SPREAD, CROWD_STEP = 30.0, 0.05
"""Such a crowd is spread by chance over a twentieth of a second each, and 30 s at most."""

_SEALED = Secret("sealed")
_ADDRESSES = ("token_url", "issuer", "base_url", "web_url", "app")
_NEEDS_LOGIN, _AUTH_FAILED = Category.NEEDS_LOGIN.value, Category.AUTH_FAILED.value


class Hold(enum.StrEnum):
    """Why a credential has no next refresh, or a late one."""

    NEEDS_LOGIN = "needs_login"
    REFUSED = "refused"
    """The service refused the app itself."""
    RETRY_AT = "retry_at"
    """The last refresh failed, and the next attempt has its time."""
    ON_DEMAND = "on_demand"
    """It costs nothing to mint, and nobody asks for it."""
    LASTING = "lasting"
    """Its token has no known end."""
    UNREADABLE = "unreadable"
    """Its record is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about a credential: at `due` (epoch seconds; None: nothing), in the queue of `lane`."""

    due: float | None
    lane: str
    hold: Hold | None = None
    asked: float | None = None
    """When somebody last asked for its token, in epoch seconds, as far as that is known."""


def plan(
    public: Mapping[str, Any], now: float, *, jitter: float, asked: float | None = None, ours: bool = False
) -> Plan:
    """The plan for the readable part of a record. `now`, and `asked`, when somebody last asked for its token: epoch seconds.

    The issue of a token tells of that as well, unless it is `ours`: the refresher's own. Raises KeyError, TypeError or
    ValueError for what is no credential.
    """
    app, error, open_intent = public["app"], public["last_error"], public["intent"] is not None
    token = None if public["token"] is None else Token(access_token=_SEALED, **public["token"])
    if token is not None and not ours:
        asked = min(max(token.issued_at, asked or 0.0), now)
    due, hold = _due(app, token, error, now, jitter, open_intent=open_intent, asked=asked)
    return Plan(due, lane_of(app), hold, asked)


def _due(
    app: Mapping[str, Any],
    token: Token | None,
    error: Mapping[str, Any] | None,
    now: float,
    jitter: float,
    *,
    open_intent: bool,
    asked: float | None,
) -> tuple[float | None, Hold | None]:
    if error is not None and error["category"] == _NEEDS_LOGIN:
        return None, Hold.NEEDS_LOGIN
    if error is not None and error["category"] == _AUTH_FAILED:
        return max(error["at"] + REFUSED_AGAIN, now), Hold.REFUSED
    if app["grant"] not in LOGIN_GRANTS and not open_intent and _unasked(token, now, asked):
        return None, Hold.ON_DEMAND
    due: float | None = now
    if token is not None and not open_intent and not from_the_future(token, now):
        due = margins(token, jitter).soft_at
    if due is None:
        return None, Hold.LASTING
    if error is not None and error["retry_at"] is not None and error["at"] <= now < error["retry_at"]:
        return max(due, error["retry_at"]), Hold.RETRY_AT
    return due, None


def _unasked(token: Token | None, now: float, asked: float | None) -> bool:
    if token is None:
        return True
    if token.expires_at is None:
        return False
    return now - (asked or 0.0) > IDLE_LIFETIMES * max(token.expires_at - token.issued_at, 0.0)


def lane_of(app: Mapping[str, Any]) -> str:
    """The queue that an app's credentials wait in: one per provider and address, so that no service waits for another."""
    settings = app["settings"]
    address = next((settings[name] for name in _ADDRESSES if settings.get(name)), "")
    return intern(f"{app['provider']} {address}".strip())


class Timeline:
    """One time out of two clocks: whichever says that more has passed since the last look is believed.

    A wall clock that is set back lengthens no token's life, and a machine whose steady clock stands still while it sleeps
    has slept all the same.
    """

    def __init__(self, wall: float, steady: float) -> None:
        """The readings of both clocks."""
        self._wall, self._steady, self._now = wall, steady, 0.0

    def now(self, wall: float, steady: float) -> float:
        """Seconds since the beginning; never goes back."""
        self._now += max(wall - self._wall, steady - self._steady, 0.0)
        self._wall, self._steady = wall, steady
        return self._now


@dataclass(slots=True)
class Entry:
    """What is known of one credential. There may be 100,000 of them. Times are the timeline's."""

    revision: int
    lane: str
    due: float | None
    hold: Hold | None
    number: int
    """Changes with every plan: what a queue has of an older one is void."""
    seen: int
    """The last look at the store that has found it."""
    asked: float | None = None
    """When somebody last asked for its token, as far as that is known."""
    late: bool = False
    """It has been put back once, as one of a crowd."""
    running: bool = False


class Schedule:
    """All credentials by the time of their next refresh."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, name: str) -> Entry | None:
        """What is known of `name`."""
        return self._entries.get(name)

    def entries(self) -> Iterator[Entry]:
        """All of them."""
        return iter(self._entries.values())

    def put(self, name: str, revision: int, found: Plan, *, seen: int, soonest: float, wall: float) -> None:
        """Plan a credential anew; what was planned for it is void.

        `soonest`: by the timeline. `wall`: what the wall clock says more than the timeline, to turn the plan's moments into
        times of that.
        """
        self._numbers += 1
        due = None if found.due is None else max(found.due - wall, soonest)
        asked = None if found.asked is None else found.asked - wall
        self._entries[name] = Entry(revision, found.lane, due, found.hold, self._numbers, seen, asked)
        entry = self._entries[name]
        if due is not None:
            heapq.heappush(self._heap, (due, entry.number, name))
        if len(self._heap) > 2 * len(self._entries) + 1000:
            self._heap = [item for item in self._heap if self.holds(item[2], item[1])]
            heapq.heapify(self._heap)

    def drop(self, name: str) -> None:
        """Forget a credential."""
        self._entries.pop(name, None)

    def drop_unseen(self, seen: int) -> list[str]:
        """Forget those that this look at the store has not found; their names."""
        gone = [name for name, entry in self._entries.items() if entry.seen != seen and not entry.running]
        for name in gone:
            del self._entries[name]
        return gone

    def holds(self, name: str, number: int) -> bool:
        """Whether a plan is still the one that counts."""
        entry = self._entries.get(name)
        return entry is not None and entry.number == number

    def take(self, now: float, random: Callable[[], float]) -> list[tuple[str, Entry]]:
        """Those whose time has come, the longest overdue first. A crowd that is late is put back, once, spread by chance."""
        ready: list[tuple[str, Entry]] = []
        late: list[tuple[str, Entry]] = []
        while self._heap and self._heap[0][0] <= now:
            due, number, name = heapq.heappop(self._heap)
            if not self.holds(name, number):
                continue
            entry = self._entries[name]
            (late if now - due > LATE and not entry.late else ready).append((name, entry))
        spread = min(CROWD_SPREAD, len(late) * CROWD_STEP)
        for name, entry in late:
            entry.late, entry.due = True, now + spread * random()
            heapq.heappush(self._heap, (entry.due, entry.number, name))
        return ready

    def next_due(self) -> float | None:
        """The earliest time at which `take` has something; None if there is none."""
        while self._heap and not self.holds(self._heap[0][2], self._heap[0][1]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
