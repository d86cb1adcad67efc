"""Events told as stories: the eight steps of a refresh are one line, which opens. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vestal.core.events import Event, Kind
from vestal.daemon.broadcast import Numbered
from vestal.daemon.dashboard.words import KINDS, Mark, detail

_STEPS = frozenset(
    {
        Kind.LEASE_TAKEN,
        Kind.REFRESH_STARTED,
        Kind.INTENT_SAVED,
        Kind.RESPONSE_RECEIVED,
        Kind.RESPONSE_SAVED,
        Kind.TOKEN_PARSED,
        Kind.TOKEN_SAVED,
        Kind.RECOVERY_STARTED,
        Kind.REPLAY_STARTED,
        Kind.RETRY_SCHEDULED,
        Kind.STORE_FAILED,
        Kind.CHANGED,
    }
)
"""What more is to follow on. A login changes the record a few times before it has ended."""

_ENDS = frozenset({Kind.REFRESHED, Kind.REFRESH_FAILED, Kind.TOKEN_ADOPTED, Kind.LOGGED_IN})
_UNDER_WAY = Mark("Refreshing", "turn", "busy")


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a story. `after`: seconds since its first."""

    after: float
    word: str
    detail: str


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to a credential, with how it ended as its headline. `at`: epoch seconds of the latest event."""

    key: int
    """Number of its first event."""
    credential: str
    at: float
    mark: Mark
    detail: str
    took: float | None
    """Seconds that a refresh took; None for what is none."""
    steps: tuple[Step, ...]


def stories(events: Iterable[Numbered], *, most: int = 60) -> list[Story]:
    """The latest stories, the newest first. `events` are in their order."""
    groups: list[list[Numbered]] = []
    latest: dict[str, list[Numbered]] = {}
    for numbered in events:
        event = numbered.event
        group = latest.get(event.credential)
        if group is not None and _echoes(group[-1].event, event):
            continue
        if group is None or not _goes_on(group[-1].event.kind, event.kind):
            group = latest[event.credential] = []
            groups.append(group)
        group.append(numbered)
    groups.sort(key=lambda group: group[-1].number, reverse=True)
    return [_story(group) for group in groups[:most]]


def _goes_on(last: Kind, this: Kind) -> bool:
    """Whether an event belongs to the story whose latest is `last`."""
    if this is Kind.LOGIN_NEEDED:
        return last is Kind.REFRESH_FAILED
    if this is Kind.LEASE_TAKEN or last not in _STEPS:
        return False
    if last is Kind.CHANGED:
        return this in (Kind.CHANGED, Kind.LOGGED_IN)
    return this in _STEPS - {Kind.CHANGED} or this in _ENDS


def _echoes(last: Event, this: Event) -> bool:
    """Whether a thread only takes what another one has just brought."""
    brought = last.kind in (Kind.REFRESHED, Kind.LOGGED_IN, Kind.TOKEN_ADOPTED)
    return brought and this.kind is Kind.TOKEN_ADOPTED and last.data.get("version") == this.data.get("version")


def _story(group: list[Numbered]) -> Story:
    first, last = group[0].event, group[-1].event
    open_yet = last.kind in _STEPS and last.kind is not Kind.CHANGED
    return Story(
        key=group[0].number,
        credential=first.credential,
        at=last.at,
        mark=_UNDER_WAY if open_yet else KINDS[last.kind],
        detail=_why(group),
        took=_took([numbered.event for numbered in group]),
        steps=tuple(
            Step(max(each.event.at - first.at, 0.0), KINDS[each.event.kind].word, detail(each.event)) for each in group
        )
        if len(group) > 1
        else (),
    )


def _why(group: list[Numbered]) -> str:
    """The failure's own words tell more than that a login is needed."""
    last = group[-1].event
    if last.kind is Kind.LOGIN_NEEDED and len(group) > 1:
        return detail(group[-2].event)
    return detail(last)


def _took(events: list[Event]) -> float | None:
    began = next((event.at for event in events if event.kind is Kind.REFRESH_STARTED), None)
    ended = next((event.at for event in events if event.kind in (Kind.REFRESHED, Kind.REFRESH_FAILED)), None)
    return None if began is None or ended is None else max(ended - began, 0.0)
