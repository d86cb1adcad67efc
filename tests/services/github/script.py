"""A scripted GitHub: answers in their order, and what was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from vestal.core.errors import VestalError
from vestal.core.pool import Member, Pool
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.github.call import API
from vestal.services.github.limits import TERMS
from vestal.services.github.place import Place
from vestal.services.runner import Runner
from vestal.services.steps import Steps
from vestal.testing.clock import FakeClock

T = TypeVar("T")
START = 1_800_000_000.0


def reply(status: int = 200, data: Any = None, **headers: str) -> APIResponse:
    """An answer; header names with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return APIResponse(status, named, b"" if data is None else json.dumps(data).encode(), START)


def quota(remaining: int, *, reset_in: float = 600.0, resource: str = "core", limit: int = 5000) -> dict[str, str]:
    """The headers of a quota."""
    return {
        "x_ratelimit_limit": str(limit),
        "x_ratelimit_remaining": str(remaining),
        "x_ratelimit_reset": str(int(START + reset_in)),
        "x_ratelimit_resource": resource,
    }


class Renewable:
    """A source whose token can be replaced `times` times."""

    def __init__(self, name: str, times: int = 5, issued_at: float = START - 1000.0) -> None:
        self.name = name
        self.times = times
        self.issued_at = issued_at
        self.version = 1
        self.asked: list[int] = []

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        if newer_than is not None:
            self.asked.append(newer_than)
            if newer_than >= self.version:
                if not self.times:
                    from vestal.core.errors import NeedsLogin

                    raise NeedsLogin(f"{self.name} can't be replaced")
                self.times -= 1
                self.version += 1
        return Token(Secret(f"{self.name}-{self.version}"), version=self.version, issued_at=self.issued_at)

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        return self.token(newer_than, min_ttl)

    def peek(self) -> Token | None:
        return self.token()


@dataclass
class Script:
    """A place that gives scripted answers."""

    answers: list[APIResponse | VestalError]
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    sent: list[APIRequest] = field(default_factory=list)

    def __call__(self, request: APIRequest) -> APIResponse:
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, VestalError):
            raise answer
        return replace(answer, sent_at=self.clock.now())

    @property
    def tokens(self) -> list[str]:
        """Whose token each request carried."""
        return [str(_text(request.headers["Authorization"])).removeprefix("Bearer ") for request in self.sent]

    def run(self, steps: Steps[T]) -> T:
        return Runner(self, self.clock).run(steps)

    def api(self, **options: Any) -> API:
        return API(Place.of("https://api.github.com"), clock=self.clock, **options)

    def pool(self, sources: Iterable[Renewable]) -> Pool:
        members = [Member(source.name, source, f"user/{source.name}") for source in sources]
        return Pool(members, clock=self.clock, terms=TERMS)


def _text(value: object) -> object:
    return value.reveal() if isinstance(value, Secret) else value
