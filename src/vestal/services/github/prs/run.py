"""One run: list, fetch the details in parallel, look what has changed meanwhile. A flow, for threads and asyncio alike."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TypeVar

from vestal.core.errors import UnexpectedError, VestalError
from vestal.services.github.prs.archive import Resume
from vestal.services.github.prs.details import fetch
from vestal.services.github.prs.listing import LATE, Mark, changed_since, listing
from vestal.services.github.prs.work import Work
from vestal.services.steps import Steps, do, together

ROUNDS = 5
"""How often, at most, a run looks for what has changed meanwhile: what changes later is the next run's."""

EVERYTHING = 1 << 40

T = TypeVar("T")


def run(work: Work) -> Steps[None]:
    """Fetch what is asked for into the archive. Raises `VestalError` where it can't go on; the archive keeps what it has."""
    resume = yield from do(work.begin)
    try:
        mark = Mark.parse(resume.listing_cursor)
        yield from _run(work, mark, resume)
        if (yield from do(partial(work.archive.wanted, 1))):
            raise UnexpectedError(
                "the run came to its end, and not all is there", remedy="run it again, and report this"
            )
    except VestalError as error:
        trouble = error
    else:
        yield from do(work.archive.complete)
        yield from do(partial(work.tell, "done"))
        return
    yield from do(partial(work.archive.interrupted, trouble.message))
    raise trouble


def _run(work: Work, mark: Mark, resume: Resume) -> Steps[None]:
    filling, started = _Filling(work, mark, resume), work.queries
    while True:
        fetched = yield from filling.steps()
        if work.queries == started + 1 and not fetched:
            return  # one page is of one moment
        for _ in range(ROUNDS):
            yield from _patiently(work, partial(changed_since, work, filling.mark))
            if not (yield from _fetch_wanted(work)):
                break
        if not (yield from filling.may_go_on()):
            return


class _Filling:
    """Lists and fetches until there is room for no more, or no more."""

    def __init__(self, work: Work, mark: Mark, resume: Resume) -> None:
        self.work, self.mark = work, mark
        self._floor = None if resume.high_water is None else resume.high_water - LATE
        self._more_below = resume.filled
        self._listed = resume.listing_done

    def steps(self) -> Steps[bool]:
        """Whether anything was fetched."""
        room = None if self._floor is not None else (yield from _room(self.work))
        fetched = False
        while True:
            if not self._listed:
                self.mark = yield from _patiently(self.work, _Listing(self.work, self.mark, self._floor, room).steps)
            fetched |= yield from _fetch_wanted(self.work)
            if not (yield from self.may_go_on()):
                return fetched
            room = yield from _room(self.work)
            if self.mark.after is None:  # those below the high water, after all
                self.mark, self._floor, room = Mark(self.mark.top), None, self.work.options.max_prs
            self._listed = False

    def may_go_on(self) -> Steps[bool]:
        """Whether there is room, since some were not what is asked for after all, and there may be more for it."""
        room = yield from _room(self.work)
        return bool(room) and (self.mark.after is not None or (self._floor is not None and self._more_below))


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
    work.go_on()


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
            except BaseException:  # the others would take all that is left before anybody heard of it
                self._left.clear()
                raise

    def take(self) -> list[int]:
        with self._lock:
            if self.trouble is not None or self.work.stopped.is_set():
                return []
            return [self._left.popleft() for _ in range(min(self.work.size.now, len(self._left)))]


def _patiently(work: Work, steps: Callable[[], Steps[T]]) -> Steps[T]:
    """Take steps that can be taken again from where they were; after a limit, when it has passed, if that is allowed."""
    while True:
        work.go_on()
        try:
            return (yield from steps())
        except VestalError as error:
            trouble = error
        wait = work.wait_for(trouble)
        if wait is None:
            raise trouble
        yield from do(partial(work.tell, "waiting", f"{trouble.message}: waiting {wait:.0f} s"))
        yield from work.wait(wait)
