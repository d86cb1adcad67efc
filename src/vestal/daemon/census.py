"""All credentials at a glance, without unsealing any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vestal.home import Home


class Census:
    """The credentials of a home. Its methods read the store."""

    def __init__(self, home: Home) -> None:
        self._home = home
