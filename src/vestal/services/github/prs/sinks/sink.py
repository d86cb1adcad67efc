"""`Sink`: what one format has to know. Records come as JSON text, as `record.to_json` makes it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


class Sink(Protocol):
    """One format. Its methods may raise `OSError`, which the caller tells of."""

    name: str
    streams: bool
    """Whether records can be added to a file, so that there is a partial one."""

    def append(self, partial: Path, position: int, texts: Iterable[str]) -> int:
        """Add records to a partial file that is good up to `position`; the position after them, on the disk.

        0 begins the file anew. What stands behind `position` was written by a run that was killed, and goes.
        """

    def good(self, partial: Path, position: int) -> bool:
        """Whether a partial file reaches up to `position`, so that it can be gone on with."""

    def write(self, path: Path, texts: Iterable[str]) -> None:
        """Write a whole file, which is there and empty."""

    def discard(self, partial: Path) -> None:
        """Remove a partial file with what belongs to it."""
