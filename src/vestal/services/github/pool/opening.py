"""The first use of a pool: who its members are, whose they are, and what is left."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from vestal.core.clock import Clock
from vestal.core.errors import AllExhausted, NeedsLogin, NotInstalled, TimedOut, VestalError
from vestal.core.ledger import Ledger
from vestal.core.pool import Pool
from vestal.core.pool.member import Member, MemberState
from vestal.core.quota import Charge, Told
from vestal.core.retry import RetryPolicy
from vestal.services.github.call import API, Call, call
from vestal.services.github.limits import CORE, charge_of
from vestal.services.github.place import Place
from vestal.services.github.pool.deferred import Some
from vestal.services.github.pool.members import Apps, Seat, installed
from vestal.services.github.pool.owners import Whose, buckets, whose
from vestal.services.runner import Runner
from vestal.services.steps import Steps, together

NAME = "github"
"""Pools of this name over one ledger share their books."""

AGAIN = 60.0
"""Seconds after which an owner that could not be asked for is asked for again."""

AT_ONCE = 16
"""How many tokens are asked about at once."""

_log = logging.getLogger("vestal")


class Opening:
    """Makes the core's pool of what is known, and asks GitHub for what is not."""

    def __init__(
        self,
        place: Place,
        seats: Iterable[Seat],
        apps: Apps | None,
        *,
        ledger: Ledger,
        clock: Clock,
        runner: Runner,
        headroom: int,
        options: Mapping[str, Any],
    ) -> None:
        """`options`: further ones of `Pool`."""
        self.seats = _unique(seats)
        """The members, but for the installations of `apps`."""
        self.apps = apps
        """Those whose installations are not known yet."""
        self._place = place
        self._ledger = ledger
        self._clock = clock
        self._runner = runner
        self._headroom = headroom
        self._options = dict(options)

    def make(self, before: Pool | None) -> tuple[Pool, float | None]:
        """The pool; and after how many seconds to try again, if something could not be found out. Raises `VestalError`."""
        if self.apps is not None:
            self.seats = _unique([*self.seats, *self._runner.run(installed(self.apps, self._place))])
            self.apps = None
        seats = self.seats
        flows = [whose(self._place, seat, self._ledger) for seat in seats]
        found: list[Whose] = self._runner.run(together(flows, AT_ONCE))
        pool = Pool(
            [Member(seat.name, seat.source, one.owner, self._headroom) for seat, one in zip(seats, found, strict=True)],
            ledger=self._ledger,
            clock=self._clock,
            name=NAME,
            bucket=CORE,
            **self._options,
        )
        self._enter(pool, seats, found, before)
        self.ask(pool, one_of_each(pool.states(CORE), CORE))
        return pool, None if all(one.certain for one in found) else AGAIN

    def ask(self, pool: Pool, names: Iterable[str]) -> None:
        """GET /rate_limit for some members, side by side. It does not wait for anything, and may fail."""
        api = API(self._place, clock=self._clock, patience=0.0, retry=RetryPolicy(tries=1))
        self._runner.run(together([_ask(api, pool, name) for name in names], AT_ONCE))

    def _enter(self, pool: Pool, seats: Sequence[Seat], found: Sequence[Whose], before: Pool | None) -> None:
        """What came of asking, and who was out before."""
        out = {} if before is None else {state.name: state.benched for state in before.states()}
        for seat, one in zip(seats, found, strict=True):
            reason = one.refused or out.get(seat.name)
            if reason is not None:
                pool.bench(seat.name, reason)
            elif one.told is not None:
                enter(pool, seat.name, replace(charge_of("GET", "/user"), cost=0), None)
                pool.learn(seat.name, one.told)  # other workers may have heard later words meanwhile


def enter(pool: Pool, name: str, charge: Charge, told: Told | None) -> None:
    """Enter into the books what happened outside of them."""
    with suppress(AllExhausted, TimedOut):
        pool.settle(pool.reserve(charge, timeout=0, only=[name]), told)
        return
    if told is not None:
        pool.learn(name, told)


def one_of_each(states: Iterable[MemberState], unknown: str | None = None) -> list[str]:
    """The first usable member of each owner; of those only of whom a bucket is `unknown`, if one is given."""
    first: dict[str, str] = {}
    for state in states:
        left = state.buckets.get(unknown) if unknown is not None else None
        if state.benched is None and (left is None or left.remaining is None):
            first.setdefault(state.owner, state.name)
    return list(first.values())


def _ask(api: API, pool: Pool, name: str) -> Steps[None]:
    try:
        response = yield from call(api, cast(Pool, Some(pool, [name])), Call("GET", "/rate_limit", retried=False))
        for told in buckets(response):
            pool.learn(name, told)
    except VestalError as error:
        _log.debug("GitHub does not say what is left for %s: %s", name, error.message)
        if isinstance(error, NeedsLogin | NotInstalled) or error.code == "suspended":
            pool.bench(name, error.message)


def _unique(seats: Iterable[Seat]) -> list[Seat]:
    """Each source once, each under a name of its own."""
    found: dict[str, Seat] = {}
    for seat in seats:
        if any(seat.source is other.source for other in found.values()):
            continue
        name, number = seat.name, 2
        while name in found:
            name, number = f"{seat.name}-{number}", number + 1
        found[name] = replace(seat, name=name)
    return list(found.values())
