"""What a list is asked for: text, state, token, and where it begins. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from vestal.core.credential import State, TokenState
from vestal.daemon.browsers import DASHBOARD
from vestal.daemon.dashboard.words import STATES, Mark

_LONGEST = 200
"""Characters of a name, and of what is looked for."""


@dataclass(frozen=True, slots=True)
class Query:
    """Empty fields ask for nothing. Whatever comes in an address that makes no sense is nothing, too."""

    text: str = ""
    state: str = ""
    token: str = ""
    after: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Query:
        """Out of an address."""
        state, token = parameters.get("state", ""), parameters.get("token", "")
        return cls(
            text=parameters.get("q", "").strip()[:_LONGEST],
            state=state if state in set(State) else "",
            token=token if token in set(TokenState) else "",
            after=parameters.get("after", "")[:_LONGEST],
        )

    @property
    def narrowed(self) -> bool:
        """Whether it does not ask for all."""
        return bool(self.text or self.state or self.token)

    def address(self, path: str = DASHBOARD, *, state: str | None = None, after: str = "") -> str:
        """The address of the same list, with another state, or from another name on."""
        wanted = {"q": self.text, "state": self.state if state is None else state, "token": self.token, "after": after}
        told = urlencode({name: value for name, value in wanted.items() if value})
        return f"{path}?{told}" if told else path


@dataclass(frozen=True, slots=True)
class Chip:
    """A link to the credentials in one state, with how many there are. No `mark`: to all."""

    state: str
    mark: Mark | None
    count: int
    href: str
    here: bool


def chips(counts: Mapping[str, int], query: Query) -> list[Chip]:
    """All, and the states that there are."""
    total = sum(counts.values())
    found = [Chip("", None, total, query.address(state=""), not query.state)]
    for state, mark in STATES.items():
        count = counts.get(state.value, 0)
        if count or state.value == query.state:
            href = query.address(state=state.value)
            found.append(Chip(state.value, mark, count, href, state.value == query.state))
    return found
