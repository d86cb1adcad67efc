"""What the pages show of a credential. Pure: made of what others know, without a secret among it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from vestal.core.credential import LOGIN_GRANTS, Past, State, TokenState
from vestal.daemon.activity import Recent
from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.census import Row
from vestal.daemon.counters import Tally
from vestal.daemon.dashboard.words import CATEGORIES, PAST, REASONS, TOKENS, Mark, mark, percent
from vestal.operations.overview import Seen


@dataclass(frozen=True, slots=True)
class Life:
    """A token's time. Moments are epoch seconds, lengths seconds."""

    ends_at: float
    lifetime: float
    left: float


def life(issued_at: float | None, expires_at: float | None, now: float) -> Life | None:
    """The time of a token that has an end. A lifetime is never 0, so that a bar can be drawn of it."""
    if expires_at is None:
        return None
    lifetime = max(expires_at - (expires_at if issued_at is None else issued_at), 1.0)
    return Life(expires_at, lifetime, min(max(expires_at - now, 0.0), lifetime))


def address(name: str) -> str:
    """Where a credential's page is."""
    return f"{DASHBOARD}/credentials/{quote(name, safe='/')}"


@dataclass(frozen=True, slots=True)
class Line:
    """One credential in the list."""

    name: str
    provider: str
    href: str
    mark: Mark
    note: str
    """What else is to be said of its state."""
    life: Life | None
    tone: str
    lasting: bool
    refreshed_at: float | None
    why: str
    next_at: float | None
    no_next: str
    hits: str | None
    success: str | None

    @property
    def stamp(self) -> str:
        """Another one tells that more than time has passed."""
        return f"{self.mark.word} {self.life.ends_at if self.life else ''} {self.refreshed_at} {self.note}"

    @property
    def said(self) -> str:
        """What a screen reader is told when it becomes something else; not what comes and goes with every refresh."""
        if self.mark.tone == "busy" or self.mark == TOKENS[TokenState.EXPIRING]:
            return ""
        return f"{self.name}: {self.mark.word}" + (f", {self.note}" if self.note else "")


def line(row: Row, tally: Tally, recent: Recent, now: float) -> Line:
    """A line of the list."""
    shown = mark(row.state, row.token_state, interrupted=row.interrupted)
    found = life(row.issued_at, row.expires_at, now)
    on_demand = costs_nothing(row.state, row.token_state, row.grant)
    return Line(
        name=row.name,
        provider=row.provider,
        href=address(row.name),
        mark=shown,
        note=CATEGORIES.get(row.error or "", "") if row.state is State.ERROR else "",
        life=found,
        tone=bar_tone(shown, found),
        lasting=row.version > 0 and row.expires_at is None,
        refreshed_at=row.refreshed_at,
        why=next((REASONS.get(each.reason, each.reason) for each in reversed(recent.attempts) if each.ok), ""),
        next_at=None if on_demand or (row.state is State.AUTHORIZING and not row.version) else row.next_refresh_at,
        no_next=no_next(row.state, on_demand),
        hits=percent(tally.hits, tally.gets),
        success=percent(tally.refreshed, tally.refreshed + tally.failed),
    )


def costs_nothing(state: State, token: TokenState, grant: str) -> bool:
    """Whether it waits for somebody to ask: a token that can be minted at any time is not kept fresh for nobody."""
    ended = token in (TokenState.EXPIRED, TokenState.MISSING)
    return state is State.IDLE and ended and grant not in LOGIN_GRANTS


def no_next(state: State, on_demand: bool) -> str:
    """What is said where there is no next refresh."""
    waits = state in (State.NEEDS_LOGIN, State.AUTHORIZING)
    return "after a login" if waits else "when asked for" if on_demand else "none needed"


def bar_tone(shown: Mark, found: Life | None) -> str:
    """The colour of a bar: a token that is good burns well, whatever else is the matter."""
    return "good" if found and shown.tone in ("good", "busy") else "soon"


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is known of a credential. `code`: to be read letter by letter."""

    label: str
    value: str
    code: bool = False


def facts(found: Mapping[str, Any]) -> list[Fact]:
    """What `vestal.operations.overview.overview` tells beyond what a page has its own place for. Nothing is left out that
    has a value.
    """
    settings = {f"Setting {key}": str(value) for key, value in found["settings"].items()}
    extra = {f"Also {key}": _text(value) for key, value in found["extra"].items()}
    rotating = {True: "the service replaces it", False: "the service keeps it", None: "not known yet"}[
        found["rotating"]
    ]
    held = found["refresh_token"]
    rows = [
        ("Provider", found["provider"], False),
        ("Grant", found["grant"], True),
        ("Client", found["client_id"], True),
        ("Client authentication", found["client_auth"], True),
        ("Scopes asked for", " ".join(found["scopes"]), True),
        ("Scopes granted", found["scope"], True),
        ("Token type", found["token_type"], False),
        ("Refresh token", held and f"fingerprint {held}", False),
        ("On refresh", held and rotating, False),
        ("Refresh token expires", _moment(found["refresh_token_expires_at"]), False),
        ("Kept, sealed", ", ".join(word.replace("_", " ") for word in found["holds"]), False),
        ("Created", _moment(found["created_at"]), False),
        ("Login under way until", _moment(found["authorizing_until"]), False),
        ("Open intent", found["intent"] and _text(found["intent"]), True),
        *((label, value, True) for label, value in {**settings, **extra}.items()),
    ]
    return [Fact(label, str(value), code) for label, value, code in rows if value not in (None, "")]


def _moment(text: str | None) -> str | None:
    """RFC 3339 as people write it."""
    return text and text.replace("T", " ").replace("Z", " UTC")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    at: float
    mark: Mark
    version: int
    detail: str


def history(past: tuple[Past, ...]) -> list[Entry]:
    """The history in words, the newest first."""
    return [
        Entry(
            each.at,
            PAST.get(each.what, Mark(each.what, "dot", "quiet")),
            each.version,
            _told(each.detail),
        )
        for each in reversed(past)
    ]


def _told(detail: str) -> str:
    """A reason, or a category with what was added to it, in words."""
    category, _, more = detail.partition(" ")
    if category in CATEGORIES:
        return f"{CATEGORIES[category]} {more}".strip()
    return REASONS.get(detail, detail)


def why(seen: Seen) -> str:
    """Why the last refresh was made."""
    last = next((each for each in reversed(seen.credential.history) if each.what != "failure"), None)
    if last is None:
        return ""
    return REASONS["login"] if last.what == "login" else REASONS.get(last.detail, last.detail)
