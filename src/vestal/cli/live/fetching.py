"""How far a fetch is, on stderr: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vestal.cli.output import FLAME, counted, note

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from vestal.operations.github.fetch import Progress as Callback

EVERY = 10.0
"""Seconds between two lines."""


@contextmanager
def following() -> Iterator[Callback]:
    """The callback for a fetch, which shows what it is told."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bars = Progress(
        TextColumn("[bold]{task.fields[name]}"),
        BarColumn(bar_width=32, complete_style=FLAME, finished_style="green", pulse_style=FLAME),
        TextColumn("{task.fields[count]}", justify="right"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[words]}"),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )
    with bars:
        yield _Bars(bars)


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __call__(self, repository: str, step: str, current: int, total: int, message: str) -> None:
        from rich.markup import escape

        with self._lock:
            if repository not in self._tasks:
                name = escape(repository)
                self._tasks[repository] = self._bars.add_task("", name=name, count="", words="", total=None)
        listing = step == "listing"
        self._bars.update(
            self._tasks[repository],
            completed=current,
            total=None if listing or not total else total,
            count=f"{total:,} found" if listing else f"{current:,} of {total:,}",
            words=escape(message) if step == "waiting" else "" if step == "done" else step,
        )


class _Lines:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = time.monotonic() + EVERY / 2

    def __call__(self, repository: str, step: str, current: int, total: int, message: str) -> None:
        now = time.monotonic()
        with self._lock:
            due = now >= self._next or step == "waiting"
            if due:
                self._next = now + EVERY
        if due:
            note(
                f"{repository}: "
                + (message if step == "waiting" else f"{current:,} of {counted(total, 'pull request')}")
            )
