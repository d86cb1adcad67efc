"""One run: list, fetch the details in parallel, look what has changed meanwhile. A flow, for threads and asyncio alike."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from vestal.core.errors import UnexpectedError, VestalError
from vestal.services.github.prs.details import fetch
from vestal.services.github.prs.listing import Mark, changed_since, listing
from vestal.services.github.prs.work import Work
from vestal.services.steps import Steps, Wait, do, together

ROUNDS = 5
"""How often, at most, a run looks for what has changed meanwhile: what changes later is the next run's."""

EVERYTHING = 1 << 40

T = TypeVar("T")


def run(work: Work) -> Steps[None]:
    """Fetch what is asked for into the archive. Raises `VestalError` where it can't go on; the archive keeps what it has."""
    resume = yield from do(work.begin)
    try:
        mark = Mark.parse(resume.listing_cursor)
        yield from _run(work, mark, resume.high_water, listed=resume.listing_done)
    except VestalError as error:
        trouble = error
    else:
        yield from do(work.archive.complete)
        yield from do(partial(work.tell, "done"))
        return
    yield from do(partial(work.archive.interrupted, trouble.message))
    raise trouble


def _run(work: Work, mark: Mark, high_water: datetime | None, *, listed: bool) -> Steps[None]:
    started, was_full = work.queries, (yield from _room(work)) == 0
    room = None if high_water is not None else (yield from _room(work))
    while True:
        if not listed:
            mark = yield from _patiently(work, _Listing(work, mark, high_water, room).steps)
        at_once = work.queries == started + 1  # one page is of one moment
        fetched = yield from _fetch_wanted(work)
        room = yield from _room(work)
        if not room:
            break
        if mark.after is None:
            if high_water is None or not was_full:
                break  # there are no more
            mark, high_water, room = Mark(mark.top), None, work.options.max_prs  # those below the high water, after all
        listed = False  # some were not what is asked for after all: there is room for more
    if at_once and not fetched:
        return
    for _ in range(ROUNDS):
        yield from _patiently(work, partial(changed_since, work, mark))
        if not (yield from _fetch_wanted(work)):
            return


class _Listing:
    """The listing, which goes on where a limit interrupted it."""

    def __init__(self, work: Work, mark: Mark, floor: datetime | None, room: int | None) -> None:
        self.work, self.mark, self.floor, self.room = work, mark, floor, room

    def steps(self) -> Steps[Mark]:
        return (yield from listing(self.work, self.mark, floor=self.floor, room=self.room, reached=self._reached))

    def _reached(self, mark: Mark, room: int | None) -> None:
        self.mark, self.room = mark, room


def _room(work: Work) -> Steps[int | None]:
    """How many more there may be; None: any number."""
    if work.options.max_prs is None:
        return None
    _, listed = yield from do(work.archive.counts)
    return max(0, work.options.max_prs - listed)


def _fetch_wanted(work: Work) -> Steps[bool]:
    """Fetch all that is listed and not there yet; whether there was anything."""
    listed = yield from do(partial(work.archive.wanted, EVERYTHING))
    if listed:
        yield from _patiently(work, partial(_in_parallel, work))
    return bool(listed)


def _in_parallel(work: Work) -> Steps[None]:
    listed = yield from do(partial(work.archive.wanted, EVERYTHING))
    crew = _Crew(work, (one.number for one in listed))
    yield from together([crew.work_off() for _ in range(work.parallel)], work.parallel)
    if crew.trouble is not None:
        raise crew.trouble
    _go_on(work)


class _Crew:
    """Workers that take from one queue, and stop together."""

    def __init__(self, work: Work, numbers: Iterable[int]) -> None:
        self.work = work
        self.trouble: VestalError | None = None
        self._left = deque(numbers)
        self._lock = threading.Lock()

    def work_off(self) -> Steps[None]:
        while batch := self.take():
            try:
                yield from fetch(self.work, batch)
            except VestalError as error:
                with self._lock:
                    self.trouble = self.trouble or error
                return

    def take(self) -> list[int]:
        with self._lock:
            if self.trouble is not None or self.work.stopped.is_set():
                return []
            return [self._left.popleft() for _ in range(min(self.work.size.now, len(self._left)))]


def _patiently(work: Work, steps: Callable[[], Steps[T]]) -> Steps[T]:
    """Take steps that can be taken again from where they were; after a limit, when it has passed, if that is allowed."""
    while True:
        _go_on(work)
        try:
            return (yield from steps())
        except VestalError as error:
            trouble = error
        wait = work.wait_for(trouble)
        if wait is None:
            raise trouble
        until = work.api.clock.now() + wait
        yield from do(partial(work.tell, "waiting", f"{trouble.message}: waiting {wait:.0f} s"))
        while (left := until - work.api.clock.now()) > 0:
            _go_on(work)
            yield Wait(min(left, 1.0))


def _go_on(work: Work) -> None:
    """Raise if the run was stopped."""
    if work.stopped.is_set():
        raise UnexpectedError("the run was stopped", remedy="begin it again", code="stopped")
