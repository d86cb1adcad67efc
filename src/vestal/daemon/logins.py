"""Logins that the daemon conducts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vestal.home import Home


class Logins:
    """The logins under way."""

    def __init__(self, home: Home, url: str | None) -> None:
        self._home = home
        self._url = url

    def end(self) -> None:
        """Let go of all."""
