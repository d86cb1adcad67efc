"""Files of lines: appended to while records come in, and cut back to what is known to be good after a kill."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO


class Lines:
    """A format whose records are lines, perhaps under a heading. The position is a number of bytes."""

    name = ""
    streams = True

    def heading(self) -> Iterator[str]:
        """The lines before the first record."""
        yield from ()

    def line(self, text: str) -> str:
        """A record, with its line break."""
        raise NotImplementedError

    def append(self, partial: Path, position: int, texts: Iterable[str]) -> int:
        """See `Sink.append`."""
        with partial.open("r+b" if position else "wb") as file:
            file.truncate(position)
            file.seek(position)
            self._put(file, texts, headed=position > 0)
            return file.tell()

    def good(self, partial: Path, position: int) -> bool:
        """See `Sink.good`."""
        try:
            return partial.stat().st_size >= position
        except FileNotFoundError:
            return False

    def write(self, path: Path, texts: Iterable[str]) -> None:
        """See `Sink.write`."""
        with path.open("wb") as file:
            self._put(file, texts, headed=False)

    def discard(self, partial: Path) -> None:
        """See `Sink.discard`."""
        partial.unlink(missing_ok=True)

    def _put(self, file: BinaryIO, texts: Iterable[str], *, headed: bool) -> None:
        for line in chain(() if headed else self.heading(), map(self.line, texts)):
            file.write(line.encode("utf-8", "surrogatepass"))
        file.flush()
        os.fsync(file.fileno())
