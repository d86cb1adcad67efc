"""What is remembered of a request, and what its connection is to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vestal.testing.practice.message import Answer


@dataclass(frozen=True, slots=True)
class Logged:
    """A request as it was answered. `cost`: quota points. `status` 0: the connection was cut."""

    method: str
    path: str
    query: str
    owner: str
    status: int
    resource: str
    cost: int
    at: float
    fault: str | None = None
    if_none_match: bool = False


@dataclass(slots=True)
class Reply:
    """What the connection is to do: wait, then send (or cut, if there is no answer), then call `sent`."""

    answer: Answer | None
    delay: float
    sent: Callable[[], None]


def nothing() -> None:
    """Nothing is under way."""
