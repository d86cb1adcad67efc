"""Running it: a live view where stdout is a terminal, lines where it is not."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from vestal.cli.failure import printable
from vestal.cli.live import lines
from vestal.cli.live.happenings import Happening, Happenings
from vestal.cli.live.stage import Moment, Stage, staged
from vestal.cli.output import counted
from vestal.operations.times import span

if TYPE_CHECKING:
    from vestal.home import Home
    from vestal.testing.practice import PracticeServer

FRAME = 0.25
"""Seconds between two pictures."""

SUMMARY = 5.0
"""Seconds between two summaries where there is no terminal."""

TALL = 28
"""Rows of a terminal that hold everything but the happenings."""


def play(server: PracticeServer, home: Home, happenings: Happenings, duration: float | None) -> None:
    """Keep the token alive before everybody's eyes, until Ctrl-C, SIGTERM, or for `duration` seconds."""
    with stopping() as stop, staged(server, home, happenings) as stage:
        ends_at = None if duration is None else home.clock.steady() + duration
        with stage.playing():
            if sys.stdout.isatty():
                _show(stage, stop, ends_at)
            else:
                _tell(stage, stop, ends_at)
        print(_farewell(stage.look()), flush=True)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, as long as the block lasts."""
    stop = threading.Event()

    def heed(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, heed) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell(happening: Happening) -> None:
    """A happening as a line, where there is no terminal."""
    print(printable(f"{happening.clock} {happening.text}"), flush=True)


def _show(stage: Stage, stop: threading.Event, ends_at: float | None) -> None:
    """What to try stands above the picture, where it can be selected: what is drawn again and again can't."""
    from rich.live import Live

    from vestal.cli.live.view import view
    from vestal.cli.output import console

    terminal = console()
    _invite(stage)
    with Live(console=terminal, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
        while not _over(stage, ends_at):
            happenings = min(max(terminal.height - TALL, 5), 20)
            live.update(view(stage.look(happenings), terminal.width), refresh=True)
            if stop.wait(FRAME):
                return


def _invite(stage: Stage) -> None:
    from rich.syntax import Syntax
    from rich.text import Text

    from vestal.cli.output import FLAME, console

    terminal = console(soft_wrap=True)
    server = stage.server
    terminal.print(Text("To try in another terminal, in Python (with the VESTAL_HOME below):", style=f"bold {FLAME}"))
    code = Syntax(lines.python(server.url).rstrip(), "python", theme="ansi_dark", background_color="default")
    terminal.print(code)
    terminal.print()
    terminal.print(Text("Or in a shell:", style=f"bold {FLAME}"))
    for line in lines.shell(server.url, stage.home.folder):
        terminal.print(Text(f"  {line}"))


def _tell(stage: Stage, stop: threading.Event, ends_at: float | None) -> None:
    server = stage.server
    print(f"practice server {server.url}, credential practice in {stage.home.folder}")
    print("try, in another terminal:")
    for line in [*lines.shell(server.url, stage.home.folder), lines.control(server.url, server.control_key)]:
        print(f"  {line}")
    print("or in Python:")
    for line in lines.python(server.url).splitlines():
        print(f"  {line}".rstrip())
    sys.stdout.flush()
    waited = 0.0
    while not _over(stage, ends_at):
        if stop.wait(FRAME):
            return
        waited += FRAME
        if waited >= SUMMARY:
            waited = 0.0
            print(printable(_summary(stage.look())), flush=True)


def _over(stage: Stage, ends_at: float | None) -> bool:
    return ends_at is not None and stage.home.clock.steady() >= ends_at


def _summary(moment: Moment) -> str:
    held = "no token" if moment.token is None else f"token {moment.token.version}, {moment.left:.0f} s left"
    return (
        f"{held}; {counted(moment.refreshes, 'refresh')}, {counted(moment.redemptions, 'redemption')} at the server, "
        f"{moment.reuse} reused; {counted(moment.served, 'caller')} served, {moment.failed:,} failed"
        + (f": {moment.trouble}" if moment.trouble else "")
    )


def _farewell(moment: Moment) -> str:
    return f"kept alive for {span(moment.up)}: {_summary(moment).partition('; ')[2]}"
