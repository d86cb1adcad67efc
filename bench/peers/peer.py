"""`Peer`: one library, used as its documentation has it."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

CLIENT_ID, CLIENT_SECRET = "practice", "practice-secret"
SCOPE = "read"


class NotHandled(Exception):
    """The library has nothing for it; the text says what is missing."""


@dataclass(frozen=True)
class Grant:
    """A credential at a practice server. Its access token is dead: expired by the clock, or only refused by the server."""

    url: str
    folder: str
    """Where the peer keeps it."""
    access_token: str
    refresh_token: str
    expires_at: float

    @property
    def token_url(self) -> str:
        return f"{self.url}/token"

    @property
    def resource_url(self) -> str:
        return f"{self.url}/resource"

    def file(self, name: str) -> Path:
        return Path(self.folder) / name

    def token(self) -> dict[str, Any]:
        """As most libraries hold it: the answer of the token endpoint, and when it ends."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "token_type": "Bearer",
            "expires_at": int(self.expires_at),
        }


class Peer:
    """One library. Whatever it does not override, it does not handle."""

    name: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]
    call: ClassVar[str] = ""
    """What is called on the hot path."""
    note: ClassVar[str] = ""
    persists: ClassVar[bool] = False
    """Whether it has a way of its own to keep a rotated refresh token for the next process."""

    def installed(self) -> str | None:
        """Its versions, or None."""
        try:
            return ", ".join(version(name) for name in self.distributions)
        except PackageNotFoundError:
            return None

    def hot_path(self, resources: ExitStack, folder: Path) -> Callable[[], object]:
        """The cheapest call that gives a token which it has checked to be valid now."""
        raise NotHandled("no token of its own")

    def keep(self, grant: Grant) -> None:
        """Write the credential down in the peer's own form, if it has one."""

    def caller(self, grant: Grant) -> Callable[[], str]:
        """What each of many threads calls for an access token."""
        raise NotHandled("not handled")

    def task(self, grant: Grant) -> Callable[[], Awaitable[str]]:
        """What each of many asyncio tasks calls for an access token."""
        raise NotHandled("no asyncio")

    def request(self, grant: Grant) -> Callable[[], int]:
        """A request to the resource by each of many threads; gives the status that the caller sees."""
        raise NotHandled("not handled")


def module(name: str) -> Any:
    """A peer's module. It has no types here, so that a type checker says the same whether or not the peer is installed."""
    return importlib.import_module(name)
