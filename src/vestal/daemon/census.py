"""All credentials at a glance, without unsealing any: how many are in which state, and pages of them.

What is not certain then, see `vestal.daemon.outlook`.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vestal.core.credential import LOGIN_GRANTS, Credential, State, TokenState
from vestal.core.errors import Category, VestalError
from vestal.daemon import feed
from vestal.daemon.outlook import BROKEN, PATHS, Course, Facts, Outlook, at, moment
from vestal.operations.overview import Seen

if TYPE_CHECKING:
    from vestal.home import Home

Sees = Callable[[str], bool]
"""Whether a credential of this name is somebody's business."""

LookInside = Callable[[str], Credential | None]
"""How to unseal one. Raises as `Store.load`."""

MOST_OPEN = 256
"""Credentials with an open intent whose leases are looked at for a count: more than are ever refreshed at once. What is
beyond is taken for interrupted."""

UNREADABLE = "its record can't be read"


@dataclass(frozen=True, slots=True)
class Row:
    """One credential. Moments are epoch seconds, None where there is none."""

    name: str
    provider: str
    grant: str
    state: State
    token_state: TokenState
    version: int
    """Of its token; 0 if it has none."""
    issued_at: float | None = None
    expires_at: float | None = None
    refreshed_at: float | None = None
    refresh_count: int = 0
    next_refresh_at: float | None = None
    """When the next one is due if somebody asks."""
    interrupted: bool = False
    """Whether a worker died in the middle of a refresh."""
    error: str | None = None
    """Category of the last failure, if nothing has gone well since."""
    error_message: str = ""
    login: bool = False
    """Whether it begins with a person's login."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the credentials that were asked for, by name."""

    rows: list[Row]
    next: str | None
    """The `after` of the page that follows, if there is one."""
    matching: int
    """How many there are on all pages."""


@runtime_checkable
class Picking(Protocol):
    """What a backend may offer beyond `feed.Quick`: the first look at 100,000 records then takes a third of the time."""

    def picks(self, names: Sequence[str], paths: Sequence[str]) -> list[tuple[str, int, str | None]]:
        """Name, revision and, as a JSON list, what the readable part has at these paths (`$.a.b`; null: nothing), of those
        of these records that there are. None in the list's place: it is no JSON.
        """


class Census:
    """The credentials of a home. Safe for use from any thread; its methods read the store, and raise as that does.

    It remembers of each credential what its state depends on, a few hundred bytes, and reads what has changed since.
    """

    def __init__(self, home: Home, *, look_inside: LookInside | None = None, most_open: int = MOST_OPEN) -> None:
        """`look_inside`: how to unseal the few whose readable part does not tell their state; by default nobody does."""
        self._home = home
        self._most_open = most_open
        self._look_inside = look_inside
        self._lock = threading.Lock()
        self._begun = self._finished = 0
        self._known: Mapping[str, Outlook] = {}
        """By name, in the order of names. Never changed, only replaced."""

    def counts(self, sees: Sees | None = None) -> dict[str, int]:
        """How many are in each state that there is, by the state's value, the most frequent first.

        Those that can't be read are in `error`.
        """
        counts: Counter[str] = Counter()
        known, now = self._look(), self._home.clock.now()
        unfinished = []
        for name, each in known.items():
            if sees is None or sees(name):
                if each.unfinished:
                    unfinished.append(name)
                else:
                    counts[each.state(now)] += 1
        counts.update(row.state.value for row in self.rows(unfinished[: self._most_open]))
        counts.update(known[name].state(now) for name in unfinished[self._most_open :])
        return dict(counts.most_common())

    def page(
        self,
        sees: Sees | None = None,
        *,
        text: str = "",
        state: str | None = None,
        token_state: str | None = None,
        after: str = "",
        limit: int = 50,
    ) -> Page:
        """The first `limit` credentials behind the name `after`, of those that match.

        `text`: in the name or the provider's, in whatever case. `state` and `token_state`: values of `State` and
        `TokenState`; empty ones ask for nothing.
        """
        known, now = self._look(), self._home.clock.now()
        fits = _fits(text)
        names = [
            name
            for name, each in known.items()
            if fits(name, each)
            and (not token_state or each.token_state(now) == token_state)
            and (not state or each.unfinished or each.state(now) == state)
            and (sees is None or sees(name))
        ]
        if state:
            names = self._in_state(names, known, state)
        begin = bisect_right(names, after)
        shown = names[begin : begin + max(limit, 1)]
        more = begin + len(shown) < len(names)
        return Page(self.rows(shown), shown[-1] if more else None, len(names))

    def rows(self, names: Sequence[str]) -> list[Row]:
        """These credentials, as far as they are there, as they are now."""
        found = {outline.name: outline for outline in feed.outlines(self._home.store.backend, names)}
        held = self._held(found)
        now = self._home.clock.now()
        return [self._row(found[name], now, name in held) for name in names if name in found]

    def _in_state(self, names: list[str], known: Mapping[str, Outlook], state: str) -> list[str]:
        """Of these, those that are in that state, now that it matters whether an open intent has somebody at work on it."""
        unfinished = [name for name in names if known[name].unfinished]
        now = self._home.clock.now()
        found = {name: known[name].state(now) for name in unfinished[self._most_open :]}
        found.update((row.name, row.state) for row in self.rows(unfinished[: self._most_open]))
        return [name for name in names if not known[name].unfinished or found.get(name) == state]

    def _held(self, found: dict[str, feed.Outline]) -> set[str]:
        """Whose lease somebody holds, of those with an open intent. An intent without a lease is an interrupted refresh only
        if nobody has saved anything meanwhile: those that have changed are put in `found` as they are now.
        """
        held: set[str] = set()
        unfinished = [name for name, outline in found.items() if _unfinished(outline)]
        while unfinished:
            held.update(name for name in unfinished if self._home.store.leased(name))
            free = [name for name in unfinished if name not in held]
            before = {name: found.pop(name) for name in free}
            found.update((each.name, each) for each in feed.outlines(self._home.store.backend, free))
            unfinished = [
                name
                for name, outline in before.items()
                if name in found and found[name].revision != outline.revision and _unfinished(found[name])
            ]
        return held

    def _row(self, outline: feed.Outline, now: float, leased: bool) -> Row:
        facts = Facts.read(outline.public)
        if self._look_inside is None or facts is None or facts.certain:
            return row_of(outline, now, leased)
        try:
            credential = self._look_inside(outline.name)
        except VestalError as error:
            return _trouble(outline.name, error.category, error.message)
        return row_of(outline, now, leased) if credential is None else _row(Seen(credential, now, leased))

    def _look(self) -> Mapping[str, Outlook]:
        """What is known by now, of all. Who waited for another's look that began after they came takes that."""
        asked = self._begun
        with self._lock:
            if self._finished <= asked:
                self._begun += 1
                self._known = self._read()
                self._finished = self._begun
            return self._known

    def _read(self) -> Mapping[str, Outlook]:
        known, names, fresh = self._known, list[str](), dict[str, Outlook | None]()
        for page in feed.revisions(self._home.store.backend):
            changed = [name for name, revision in page if name not in known or known[name].revision != revision]
            fresh.update(dict.fromkeys(changed))  # None: removed in this moment
            fresh.update(self._fresh(changed))
            names += [name for name, _ in page]
        if not fresh and len(names) == len(known):
            return known
        return {name: each for name in names if (each := fresh[name] if name in fresh else known[name])}

    def _fresh(self, names: Sequence[str]) -> Iterator[tuple[str, Outlook]]:
        for name, revision, facts in self._picked(names):
            course = BROKEN if facts is None else facts.course
            if facts is not None and not facts.certain and self._look_inside is not None:
                course = _course_inside(name, self._look_inside) or course
            yield name, Outlook(revision, facts, course)

    def _picked(self, names: Sequence[str]) -> Iterator[tuple[str, int, Facts | None]]:
        backend = self._home.store.backend
        if not isinstance(backend, Picking):
            for outline in feed.outlines(backend, names):
                yield outline.name, outline.revision, Facts.read(outline.public)
        elif names:
            rows = backend.picks(names, PATHS)
            picked = json.loads(f"[{','.join(values or 'null' for _, _, values in rows)}]")  # at once: half the time
            for (name, revision, _), values in zip(rows, picked, strict=True):
                yield name, revision, None if values is None else Facts.of(values)


def row_of(outline: feed.Outline, now: float, leased: bool = False) -> Row:
    """A record's readable part as it is at `now`, in epoch seconds. `leased`: somebody is refreshing it."""
    public, facts = outline.public, Facts.read(outline.public)
    if public is None or facts is None:
        return _trouble(outline.name, Category.CONFIG_ERROR, UNREADABLE)
    credential = facts.credential(
        outline.name,
        version=_whole(at(public, "$.token.version")),
        message=str(at(public, "$.last_error.message") or ""),
        retry_at=moment(at(public, "$.last_error.retry_at")),
    )
    row = _row(Seen(credential, now, leased))
    refreshed_at, count = moment(public.get("refreshed_at")), _whole(public.get("refresh_count"))
    return replace(row, refreshed_at=refreshed_at, refresh_count=count)


def _row(seen: Seen) -> Row:
    credential, token, error = seen.credential, seen.credential.token, seen.credential.last_error
    return Row(
        name=credential.name,
        provider=credential.app.provider,
        grant=credential.app.grant,
        state=seen.state,
        token_state=seen.token_state,
        version=0 if token is None else token.version,
        issued_at=None if token is None else token.issued_at,
        expires_at=None if token is None else token.expires_at,
        refreshed_at=credential.refreshed_at,
        refresh_count=credential.refresh_count,
        next_refresh_at=seen.next_refresh_at,
        interrupted=seen.interrupted,
        error=None if error is None else error.category,
        error_message="" if error is None else error.message,
        login=credential.app.grant in LOGIN_GRANTS,
    )


def _trouble(name: str, category: Category, message: str) -> Row:
    return Row(name, "", "", State.ERROR, TokenState.MISSING, 0, error=category.value, error_message=message)


def _course_inside(name: str, look_inside: LookInside) -> Course | None:
    try:
        credential = look_inside(name)
    except VestalError:
        return BROKEN
    return None if credential is None else Course.of(credential)


def _unfinished(outline: feed.Outline) -> bool:
    facts = Facts.read(outline.public)
    return facts is not None and facts.intent_at is not None


def _fits(text: str) -> Callable[[str, Outlook], bool]:
    """Whether a text is in a name or a provider's name."""
    wanted = text.casefold()

    def fits(name: str, each: Outlook) -> bool:
        return wanted in name.casefold() or (each.facts is not None and wanted in each.facts.provider.casefold())

    return fits if wanted else lambda name, each: True


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
