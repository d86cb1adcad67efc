"""What the pages say: words for people in the place of states, events and numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vestal.core.credential import State, TokenState
from vestal.core.events import Event, Kind
from vestal.operations.times import span


@dataclass(frozen=True, slots=True)
class Mark:
    """How a condition is shown: a word, the shape of an icon, and a tone (colour). The colour never stands alone."""

    word: str
    icon: str
    tone: str
    """`good`, `soon`, `busy`, `bad`, `person` (a person is needed) or `quiet`."""


STATES: Mapping[State, Mark] = {
    State.IDLE: Mark("In order", "check", "good"),
    State.REFRESHING: Mark("Refreshing", "turn", "busy"),
    State.AUTHORIZING: Mark("Logging in", "person", "busy"),
    State.NEEDS_LOGIN: Mark("Needs login", "person", "person"),
    State.ERROR: Mark("Error", "alert", "bad"),
}
TOKENS: Mapping[TokenState, Mark] = {
    TokenState.VALID: Mark("Valid", "check", "good"),
    TokenState.EXPIRING: Mark("Expiring", "clock", "soon"),
    TokenState.EXPIRED: Mark("Expired", "empty", "soon"),
    TokenState.MISSING: Mark("No token", "none", "quiet"),
}
INTERRUPTED = Mark("Interrupted", "alert", "bad")


def mark(state: State, token: TokenState, *, interrupted: bool = False) -> Mark:
    """A credential's condition in one word. What its token is good for matters only while nothing else is the matter."""
    if state is State.IDLE:
        return TOKENS[token]
    return INTERRUPTED if interrupted and state is State.ERROR else STATES[state]


def headline(counts: Mapping[str, int]) -> str:
    """Whether all is well, in a sentence. `counts`: credentials by the value of their state."""
    total = sum(counts.values())
    login, error = counts.get(State.NEEDS_LOGIN.value, 0), counts.get(State.ERROR.value, 0)
    if total == 0:
        return "No credentials yet"
    if login == error == 0:
        return "The credential is in order" if total == 1 else f"All {number(total)} credentials are in order"
    parts = [(login, "needs a login", "need a login"), (error, "has an error", "have errors")]
    told = [(count, one if count == 1 else many) for count, one, many in parts if count]
    first, what = told[0]
    more = "".join(f", {number(count)} {text}" for count, text in told[1:])
    return f"{number(first)} {'credential' if first == 1 else 'credentials'} {what}{more}"


REASONS: Mapping[str, str] = {
    "due": "it was due",
    "early": "ahead of time",
    "refused": "the token was refused",
    "asked": "somebody asked",
    "login": "a person logged in",
    "recovery": "finished after an interruption",
}
"""Why a refresh was made."""

PAST: Mapping[str, Mark] = {
    "login": Mark("Login", "person", "good"),
    "refresh": Mark("Refresh", "turn", "good"),
    "recovery": Mark("Recovery", "turn", "soon"),
    "failure": Mark("Failure", "alert", "bad"),
}
"""Lines of a credential's history."""

CATEGORIES: Mapping[str, str] = {
    "NEEDS_LOGIN": "A person has to log in",
    "AUTH_FAILED": "The service refused the app",
    "PERMISSION_DENIED": "Permission denied",
    "INSTALLATION_NOT_FOUND": "The app is not installed there",
    "UNPROCESSABLE_ENTITY": "The service can't do that",
    "CONFIG_ERROR": "Something is set up wrong",
    "HTTP_ERROR": "The service has trouble",
    "UNEXPECTED_ERROR": "An unexpected error",
    "RATE_LIMIT_EXCEEDED": "The service asks for patience",
    "TIMEOUT": "No answer in time",
    "NETWORK_ERROR": "The service can't be reached",
    "STORE_UNAVAILABLE": "The store can't be used",
    "CIRCUIT_OPEN": "The service is left alone for a while",
}

KINDS: Mapping[Kind, Mark] = {
    Kind.LEASE_TAKEN: Mark("Has the right to refresh", "dot", "quiet"),
    Kind.REFRESH_STARTED: Mark("Refresh began", "turn", "busy"),
    Kind.INTENT_SAVED: Mark("The intent is on the disk", "dot", "quiet"),
    Kind.RESPONSE_RECEIVED: Mark("The service answered", "dot", "quiet"),
    Kind.RESPONSE_SAVED: Mark("The answer is on the disk, sealed", "dot", "quiet"),
    Kind.TOKEN_PARSED: Mark("The answer holds a token", "dot", "quiet"),
    Kind.TOKEN_SAVED: Mark("The new token is on the disk", "dot", "quiet"),
    Kind.REFRESHED: Mark("Refreshed", "check", "good"),
    Kind.RECOVERY_STARTED: Mark("An interrupted refresh is being finished", "turn", "soon"),
    Kind.REPLAY_STARTED: Mark("The refresh token is sent once more", "turn", "soon"),
    Kind.RETRY_SCHEDULED: Mark("An attempt failed", "clock", "soon"),
    Kind.REFRESH_FAILED: Mark("Refresh failed", "alert", "bad"),
    Kind.LOGIN_NEEDED: Mark("A person has to log in", "person", "person"),
    Kind.LOGGED_IN: Mark("A person logged in", "person", "good"),
    Kind.CHANGED: Mark("Changed", "dot", "quiet"),
    Kind.TOKEN_ADOPTED: Mark("Took over the store's token", "check", "quiet"),
    Kind.TOKEN_REFUSED: Mark("A service refused the token", "alert", "soon"),
    Kind.STALE_SERVED: Mark("The token that is still valid was given out", "clock", "soon"),
    Kind.CLOCK_JUMPED: Mark("The clock was set", "clock", "soon"),
    Kind.STORE_FAILED: Mark("The store did not take a step", "alert", "bad"),
    Kind.MEMBER_BENCHED: Mark("The pool does without a member", "alert", "soon"),
    Kind.MEMBER_BACK: Mark("A member of the pool is back", "check", "good"),
    Kind.MEMBER_RESTS: Mark("A member of the pool rests", "clock", "quiet"),
    Kind.POOL_EXHAUSTED: Mark("The pool has nothing left", "empty", "bad"),
}


def detail(event: Event) -> str:
    """What an event's data add to its words; empty if nothing."""
    data = event.data
    parts: list[str] = []
    if "version" in data:
        parts.append(f"version {data['version']}")
    if data.get("what") == "recovery":
        parts.append(REASONS["recovery"])
    elif "reason" in data:
        parts.append(REASONS.get(str(data["reason"]), str(data["reason"])))
    if "status" in data:
        parts.append(f"status {data['status']}")
    if "wait" in data:
        parts.append(f"the next one in {short(data['wait'])}")
    if "left" in data:
        parts.append(f"{short(data['left'])} left")
    if "seconds" in data:
        parts.append(f"by {short(abs(data['seconds']))}")
    parts += [f"{name} {data[name]}" for name in ("member", "bucket", "step") if name in data]
    cause = data.get("cause") or data.get("category")
    if "message" in data:
        parts.append(str(data["message"]))
    elif cause:
        parts.append(CATEGORIES.get(str(cause), str(cause)))
    return ", ".join(parts)


def short(seconds: Any) -> str:
    """A length of time: milliseconds below a second, else as `vestal.operations.times.span`."""
    value = float(seconds)
    return f"{max(value, 0) * 1000:.0f} ms" if value < 1 else f"{value:.1f} s" if value < 10 else span(value)


def ago(seconds: float) -> str:
    """How long something is past, the more exactly the longer: `just now`, `12 s ago`, `5 min ago`, `3 h 5 min ago`."""
    return "just now" if seconds < 5 else f"{largest(seconds) if seconds < 3600 else span(seconds)} ago"


def largest(seconds: float) -> str:
    """A length of time in its largest unit."""
    return " ".join(span(seconds).split(" ")[:2])


def capital(text: str) -> str:
    """Text with a capital in front, as a sentence has it. Hosts, addresses and the like stay as they are written."""
    first = text.partition(" ")[0].rstrip(".,:;")
    return text[:1].upper() + text[1:] if first.replace("'", "").replace("-", "").isalpha() else text


def number(count: int) -> str:
    """A number with its thousands apart."""
    return f"{count:,}"


def percent(part: int, whole: int) -> str | None:
    """A share, never rounded up to all of it: `99.9 %`; None of nothing."""
    if whole <= 0:
        return None
    share = 1000 * part // whole
    return f"{share / 10:.1f} %" if 990 <= share < 1000 else f"{share // 10} %"
