"""What tests of pools share."""

from __future__ import annotations

import threading

from vestal.core.errors import NeedsLogin, VestalError
from vestal.core.quota import Charge, Told
from vestal.core.secret import Secret
from vestal.core.token import Token

NOW = 1_800_000_000.0


def core() -> Charge:
    return Charge("core")


def told(remaining: int, reset_at: float = NOW + 1800) -> Told:
    return Told("core", 10, remaining, reset_at)


class Source:
    """A source under a test's control."""

    def __init__(self, name: str = "token") -> None:
        self.name = name
        self.version = 1
        self.next = False
        """Whether there is a newer token if it is asked for one."""
        self.error: VestalError | None = None
        self.asked: list[int | None] = []
        self.threads: list[int] = []
        """In which threads it was asked."""
        self._tokens: dict[int, Token] = {}

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        self.asked.append(newer_than)
        self.threads.append(threading.get_ident())
        if self.error is not None:
            raise self.error.copy()
        if newer_than is not None and newer_than >= self.version:
            if not self.next:
                raise NeedsLogin("the service refused it")
            self.version, self.next = newer_than + 1, False
        return self.peek()

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        return self.token(newer_than, min_ttl)

    def peek(self) -> Token:
        token = Token(Secret(f"{self.name}-{self.version}"), version=self.version)
        return self._tokens.setdefault(self.version, token)
