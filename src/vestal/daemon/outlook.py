"""What the readable part of a record tells of a credential's state, now and later. Pure.

The rules are those of `vestal.operations.overview.Seen`, asked and not written again. What they go by is not all readable:
whether a refresh token is kept is sealed, and so are the answers in an open intent. Where that makes a difference, it is not
`certain`, and nothing is taken to be there. A credential of a login's grant without a token and without a failure then waits
for its login, and so does one that a person had refreshed nevertheless when that was interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from vestal.core.credential import App, Credential, Intent, LastError, State, TokenState
from vestal.core.margins import margins
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.operations.overview import Seen

PATHS = (
    "$.app.provider",
    "$.app.grant",
    "$.last_error.category",
    "$.token.issued_at",
    "$.token.expires_at",
    "$.token.refresh_at",
    "$.authorizing_until",
    "$.intent.at",
)
"""Where the facts are, in their order."""

_SEALED = Secret("sealed")


class Facts(NamedTuple):
    """What the states of a credential depend on. Moments are epoch seconds."""

    provider: str
    grant: str
    category: str | None
    """Of its last failure."""
    issued_at: float | None
    """None: it has no token."""
    expires_at: float | None
    refresh_at: float | None
    authorizing_until: float | None
    intent_at: float | None

    @classmethod
    def of(cls, values: Sequence[Any]) -> Facts | None:
        """What was found at `PATHS`; None if that is of no credential."""
        provider, grant, category, *moments = values
        if not isinstance(provider, str) or not isinstance(grant, str) or not isinstance(category, str | None):
            return None
        for value in moments:
            if value is not None and moment(value) is None:
                return None
        return cls(intern(provider), intern(grant), category and intern(category), *moments)

    @classmethod
    def read(cls, public: Mapping[str, Any] | None) -> Facts | None:
        """The same of a whole readable part."""
        return None if public is None else cls.of([at(public, path) for path in PATHS])

    @property
    def certain(self) -> bool:
        """Whether what is sealed makes no difference to its state."""
        return len(_courses(*self._shape)) == 1

    @property
    def course(self) -> Course:
        """Its states over time."""
        return _courses(*self._shape)[0]

    @property
    def _shape(self) -> tuple[str, str | None, bool, bool, bool]:
        """What its states depend on, but for the times: many have the same."""
        _, grant, category, issued_at, _, _, until, intent_at = self
        return grant, category, issued_at is not None, until is not None, intent_at is not None

    def credential(
        self, name: str = "", version: int = 1, message: str = "", retry_at: float | None = None
    ) -> Credential:
        """As a credential: with a token that nobody knows, and nothing else that is sealed."""
        token = error = intent = None
        if self.issued_at is not None:
            token = Token(_SEALED, "", self.expires_at, "", version, self.issued_at, self.refresh_at)
        if self.category is not None:
            error = LastError(category=self.category, message=message, at=0.0, retry_at=retry_at)
        if self.intent_at is not None:
            intent = Intent(fingerprint="", at=self.intent_at, version=version, holder="")
        app = App(provider=self.provider, grant=self.grant)
        until = self.authorizing_until
        return Credential(name=name, app=app, token=token, authorizing_until=until, last_error=error, intent=intent)


class Course(NamedTuple):
    """The states of a credential over time while nobody holds its lease, by their values."""

    before: str
    """Before the limit of the login that is under way."""
    after: str
    """From then on, or if there is none."""

    @classmethod
    def of(cls, credential: Credential) -> Course:
        """That of a whole credential."""
        return cls(*(Seen(credential, now, leased=False).state.value for now in (-math.inf, math.inf)))


BROKEN = Course(State.ERROR.value, State.ERROR.value)
"""That of a record that can't be read."""


@lru_cache(256)
def _courses(grant: str, category: str | None, token: bool, authorizing: bool, intent: bool) -> tuple[Course, ...]:
    """Of all credentials of a shape: first if nothing more is sealed in them, then what else it may be."""
    moments = (0.0 if there else None for there in (token, authorizing, intent))
    issued_at, until, intent_at = moments
    bare = Facts("", grant, category, issued_at, None, None, until, intent_at).credential()
    answered = bare.intent and replace(bare.intent, responses=(_SEALED,))
    more = (
        replace(bare, refresh_token=held, intent=note) for held in (None, _SEALED) for note in (bare.intent, answered)
    )
    return tuple(dict.fromkeys(map(Course.of, more)))


class Outlook:
    """What is remembered of one credential. There may be 100,000 of them."""

    __slots__ = ("_course", "_found", "facts", "revision")

    def __init__(self, revision: int, facts: Facts | None, course: Course) -> None:
        """`facts`: None for a record that can't be read."""
        self.revision = revision
        self.facts = facts
        self._course = course
        self._found: tuple[str, float, float] | None = None
        """The state of its token that was found last, and the moments from and until which it is that."""

    @property
    def unfinished(self) -> bool:
        """Whether a refresh is under way, or was interrupted."""
        return self.facts is not None and self.facts.intent_at is not None

    def state(self, now: float) -> str:
        """Its state's value, if nobody holds its lease."""
        until = None if self.facts is None else self.facts.authorizing_until
        return self._course.after if until is None or now >= until else self._course.before

    def token_state(self, now: float) -> str:
        """The value of its token's state."""
        found = self._found
        if found is not None and found[1] <= now < found[2]:
            return found[0]
        credential = None if self.facts is None else self.facts.credential()
        if credential is None or credential.token is None:
            return TokenState.MISSING.value
        token = credential.token
        state = Seen(credential, now, leased=False).token_state.value
        turns = [turn for turn in (token.issued_at, margins(token).soft_at, token.expires_at) if turn is not None]
        past, coming = [turn for turn in turns if turn <= now], [turn for turn in turns if turn > now]
        if token.issued_at <= now:  # before that, it depends on how much is put down to clocks
            self._found = (state, max(past), min(coming, default=math.inf))
        return state


def at(public: Mapping[str, Any], path: str) -> Any:
    """What a readable part has at `$.a.b`; None if there is nothing."""
    found: Any = public
    for key in path.split(".")[1:]:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def moment(value: Any) -> float | None:
    """A time in epoch seconds that can be reckoned with; None for anything else."""
    try:
        return (
            value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else None
        )
    except OverflowError:
        return None
