"""`Output`: the file that a person asked for. It bears its name when it is whole, and not before.

While records come in, `OUT.partial` grows. The checkpoint remembers how far it is good, and is told after the file, so that
a kill between any two steps costs nothing: what stands behind that is cut off, and written again. A record that was fetched
twice stands in `OUT.partial` twice, and the later one is right. At the end, OUT is written from the checkpoint in its order,
each record once, and takes its name in one step (rename(2)).
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.services.github.prs.archive import Archive
from vestal.services.github.prs.archive_file import ArchiveFile
from vestal.services.github.prs.sinks import sink

BATCH = 100
"""Records that are added to the partial file at once."""

_NOTE = "output"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far the files are, as the checkpoint remembers it."""

    format: str
    epoch: int
    start: int = 0
    """The partial file holds what was stored after this `seq`..."""
    seq: int = 0
    """...up to this one,"""
    position: int = 0
    """and is good up to here; 0: there is none."""
    written: int = 0
    """The generation of the checkpoint that OUT was written from; 0: there is none."""


class Output:
    """One file in one format. Safe for use from any thread."""

    def __init__(self, path: Path, name: str, file: ArchiveFile, *, over: bool = False) -> None:
        """`name` of the format; `over`: the file may take the place of one that the checkpoint does not know.

        Raises `ConfigError` for a file that it may not take the place of, or that can't be written.
        """
        self.path, self.partial = path, path.with_name(f"{path.name}.partial")
        self._sink, self._file = sink(name), file
        self._lock = threading.Lock()
        kept = file.read_note(_NOTE)
        foreign = kept is None and path.exists() and not file.note  # a damaged checkpoint knew it
        if path.is_dir() or (foreign and not over):
            raise ConfigError(
                f"{path} is a folder"
                if path.is_dir()
                else f"{path} is there already, and not from a run to go on with",
                remedy="name another file" + ("" if path.is_dir() else ", or add --replace"),
            )
        self._progress = _Progress(**json.loads(kept)) if kept else _Progress(name, file.epoch)
        if self._progress.written and not path.exists():
            self._progress = _Progress(name, file.epoch)
        self._keep(self._valid())

    def catch_up(self) -> None:
        """Add what was stored meanwhile to the partial file. Raises `StoreUnavailable` if it can't be written."""
        if not self._sink.streams:
            return
        with self._lock:
            now = self._valid()
            stored = self._file.stored_after(now.seq)
            while batch := list(islice(stored, BATCH)):
                texts = [text for _, text in batch]
                position = self._guarded(partial(self._sink.append, self.partial, now.position, texts))
                now = replace(now, seq=batch[-1][0], position=position)
                self._keep(now)

    def finish(self, archives: Sequence[Archive]) -> bool:
        """Write the file, from archives that are complete, in their order. Whether there was anything to write."""
        with self._lock:
            now, generation = self._valid(), self._file.generation
            news = now.written != generation or not self.path.exists()
            if news:
                self._guarded(lambda: self._replace(chain.from_iterable(each.texts() for each in archives)))
            self._keep(replace(now, start=generation - 1, seq=generation - 1, position=0, written=generation))
            self._guarded(lambda: self._sink.discard(self.partial))
            return news

    def _valid(self) -> _Progress:
        """How far the files are really: another format, an epoch, or a file that is gone let it begin again."""
        now, epoch = self._progress, self._file.epoch
        if (now.format, now.epoch) != (self._sink.name, epoch):
            now = _Progress(self._sink.name, epoch)
        if now.position and not self._sink.good(self.partial, now.position):
            now = replace(now, seq=now.start, position=0)
        if not now.position and self.partial.exists():
            self._guarded(lambda: self._sink.discard(self.partial))
        return now

    def _keep(self, progress: _Progress) -> None:
        self._progress = progress
        self._file.write_note(_NOTE, json.dumps(asdict(progress)))

    def _replace(self, texts: Iterator[str]) -> None:
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        made = Path(name)
        try:
            os.fchmod(handle, 0o666 & ~_umask())
            os.close(handle)
            self._sink.write(made, texts)
            made.replace(self.path)
        except BaseException:
            self._sink.discard(made)
            made.unlink(missing_ok=True)
            raise
        with suppress(OSError):  # some file systems can't sync a folder
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except OSError as error:
            trouble = error.strerror or type(error).__name__
        raise StoreUnavailable(
            f"{self.path} can't be written: {trouble}",
            remedy="check free space and permissions, and run it again: it goes on where it was",
        )


def _umask() -> int:
    """The only way to read it is to set it; threads that make a file in this moment get one that is more private."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
