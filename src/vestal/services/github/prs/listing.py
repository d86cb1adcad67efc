"""The light listing: which pull requests there are, the ones that were updated last first.

GitHub's cursors hold the place of an item (its time and its id), not its index, so a cursor is good for as long as one
likes, and what moves to the front meanwhile makes nobody miss what takes its place. What moved is found by a listing from
the top at the end of the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from vestal.services.github.prs.answer import refused
from vestal.services.github.prs.archive import Listed
from vestal.services.github.prs.batch import asked_too_much
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.query import LISTING, PAGE
from vestal.services.github.prs.record import moment, text_of
from vestal.services.github.prs.shape import understood
from vestal.services.github.prs.work import Work
from vestal.services.steps import Steps, do

LATE = timedelta(seconds=30)
"""How late a change may show in a listing, behind newer ones: GitHub dates it before it is stored, and reads from copies."""

RESTARTS = 3
"""How often, at most, a run begins its listing at the top again, since GitHub does not know a cursor any more."""

STATES = ("open", "closed", "merged")

_NAME = re.compile(r"[^/\s]+/[^/\s]+")


class Seen(NamedTuple):
    """A pull request in a listing."""

    number: int
    updated_at: datetime
    state: str
    is_draft: bool
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the listing."""

    seen: Sequence[Seen]
    more: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """How far the listing is."""

    top: datetime | None = None
    """The newest `updated_at` when it began: what is newer has changed since."""
    after: str | None = None
    """The cursor that it goes on behind; None: at the top, or it has come to the end."""

    @classmethod
    def parse(cls, text: str | None) -> Mark:
        """What `str()` made of one."""
        top, _, after = (text or "").partition(" ")
        return cls(moment(top) if top else None, after or None)

    def __str__(self) -> str:
        return f"{text_of(self.top) if self.top else ''} {self.after or ''}"


class Share(NamedTuple):
    """What of a page belongs to what is asked for."""

    wanted: list[Seen]
    unwanted: list[int]
    ended: bool
    """What follows is older than anything that is asked for."""
    full: bool
    """There is room for no more."""


def share(options: FetchOptions, seen: Sequence[Seen], floor: datetime | None, room: int | None) -> Share:
    """Take what is asked for, `room` at most, until a pull request is older than `floor`. Pure."""
    wanted: list[Seen] = []
    unwanted: list[int] = []
    for one in seen:
        if options.too_old(one.updated_at) or (floor is not None and one.updated_at < floor):
            return Share(wanted, unwanted, ended=True, full=False)
        if not options.wants(one.state, one.is_draft, one.updated_at):
            unwanted.append(one.number)
            continue
        wanted.append(one)
        if room is not None and len(wanted) >= room:
            return Share(wanted, unwanted, ended=False, full=True)
    return Share(wanted, unwanted, ended=False, full=False)


def listing(
    work: Work,
    mark: Mark,
    *,
    floor: datetime | None,
    room: int | None,
    reached: Callable[[Mark, int | None], None] = lambda mark, room: None,
) -> Steps[Mark]:
    """List from the mark on into the archive, down to `floor`, `room` pull requests at most; where it ended.

    A mark with a cursor says that there is more: there was no room. `reached` is told after each page: mark and room.
    """
    while True:
        page = yield from _page(work, mark.after)
        part = share(work.options, page.seen, floor, room)
        top = mark.top or (page.seen[0].updated_at if page.seen else None)
        last = part.wanted[-1] if part.full else page.seen[-1] if page.seen else None
        ended = part.ended or last is None or (not page.more and last is page.seen[-1])
        mark = Mark(top, None if ended or last is None else last.cursor)
        yield from _take(work, part, str(mark), done=ended or part.full)
        room = None if room is None else room - len(part.wanted)
        reached(mark, room)
        yield from do(partial(work.tell, "listing"))
        if ended or part.full:
            return mark


def changed_since(work: Work, mark: Mark) -> Steps[None]:
    """List from the top what has changed since the listing began."""
    after: str | None = None
    floor = None if mark.top is None else mark.top - LATE
    while True:
        page = yield from _page(work, after)
        part = share(work.options, page.seen, floor, None)
        yield from _take(work, part, str(mark), done=True)
        if part.ended or not page.more or not page.seen:
            return
        after = page.seen[-1].cursor


def _take(work: Work, part: Share, cursor: str, *, done: bool) -> Steps[None]:
    if part.unwanted:
        yield from do(partial(work.archive.drop, part.unwanted))
    listed = [Listed(one.number, one.updated_at) for one in part.wanted]
    yield from do(partial(work.archive.list, listed, cursor, done))


def _page(work: Work, after: str | None) -> Steps[Page]:
    first = PAGE
    while True:
        reply = yield from work.ask(LISTING, {**work.names(), "first": first, "after": after}, retried=True)
        found = reply.data.get("repository")
        repository = found if isinstance(found, dict) else None
        hidden = any(error.type == "NOT_FOUND" for error in reply.errors)
        if not work.sighted and (hidden or (repository or {}).get("isPrivate")):
            yield from work.leave_out_the_blind()
            if hidden:
                continue
        if repository is not None and not reply.errors:
            break
        invalid = any(error.type == "INVALID_CURSOR_ARGUMENTS" for error in reply.errors)
        if after is not None and invalid and work.restarts < RESTARTS:
            work.restarts += 1
            after = None  # of another GitHub, or another time: from the top
        elif first > 10 and any(asked_too_much(error) for error in reply.errors):
            first //= 2
        else:
            raise refused(work.repository, reply.errors)
    work.repository, page = understood(partial(_read, repository, after), f"the pull requests of {work.repository}")
    return page


def _read(repository: dict[str, Any], after: str | None) -> tuple[str, Page]:
    """The repository's name, and a page. Raises for what is none: nobody would miss what a page leaves out."""
    name, found = repository["nameWithOwner"], repository["pullRequests"]
    edges, more = found["edges"], found["pageInfo"]["hasNextPage"]
    if not (isinstance(edges, list) and isinstance(more, bool) and _NAME.fullmatch(name)):
        raise TypeError("no page")
    page = Page([_seen(edge) for edge in edges], more)
    if more and (not page.seen or page.seen[-1].cursor == after):
        raise ValueError("the listing does not go on")
    return name, page


def _seen(edge: dict[str, Any]) -> Seen:
    node = edge["node"]
    seen = Seen(node["number"], moment(node["updatedAt"]), node["state"].lower(), node["isDraft"], edge["cursor"])
    if not (type(seen.number) is int and isinstance(seen.is_draft, bool) and seen.state in STATES and seen.cursor):
        raise TypeError("no pull request")
    if not (0 < seen.number < 1 << 31 and isinstance(seen.cursor, str)):  # GraphQL's Int has 32 bits
        raise ValueError("no pull request")
    return seen
