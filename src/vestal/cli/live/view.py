"""The view in a terminal: one moment as a picture. Pure, but for rich."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from vestal.cli.failure import printable
from vestal.cli.live.happenings import Happening
from vestal.cli.live.stage import Moment
from vestal.cli.output import FLAME, counted
from vestal.operations.times import span

_TONES = {"good": "green", "note": "yellow", "bad": "bold red"}
_FULL, _EMPTY = "━", "─"


def view(moment: Moment, width: int) -> RenderableType:
    """A picture of 9 lines and those of the happenings, and one more where there is trouble."""
    inner = max(min(width, 110) - 6, 30)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=9)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    for name, value in _facts(moment):
        grid.add_row(name, value)
    panel = Panel(
        Group(_headline(moment, inner), _bar(moment, inner), _scale(moment, inner), grid),
        title=Text.assemble(" ", ("vestal", f"bold {FLAME}"), " keeps it alive "),
        title_align="left",
        subtitle=Text(f" {span(moment.up)} · Ctrl-C ends it ", style="dim"),
        subtitle_align="right",
        border_style=FLAME,
        box=box.ROUNDED,
        padding=(0, 2),
        width=min(width, 110),
    )
    return Group(panel, *(_line(each, min(width, 110)) for each in moment.happenings))


def _headline(moment: Moment, width: int) -> Text:
    if moment.token is None:
        return Text("no token at hand", style="bold red")
    left = Text.assemble(
        ("token ", "dim"), (str(moment.token.version), "bold"), "  ", (_zone(moment)[0], f"bold {_zone(moment)[1]}")
    )
    right = Text.assemble((f"{moment.left:.0f} s", "bold"), (f" of {moment.lifetime:.0f} s", "dim"))
    left.append(" " * max(width - len(left) - len(right), 1))
    return left.append_text(right)


def _zone(moment: Moment) -> tuple[str, str]:
    """What the token is good for, and its colour."""
    if moment.left <= 0:
        return "expired", "red"
    if moment.left <= moment.hard:
        return "expiring", "red"
    return ("expiring", "yellow") if moment.left <= moment.soft else ("valid", "green")


def _bar(moment: Moment, width: int) -> Text:
    """What is left of the token's life: it burns down to the left."""
    share = moment.left / moment.lifetime if moment.lifetime > 0 else 0.0
    full = min(round(width * share), width)
    return Text.assemble((_FULL * full, _zone(moment)[1]), (_EMPTY * (width - full), "dim"))


def _scale(moment: Moment, width: int) -> Text:
    """Where on the bar the margins are."""
    if moment.lifetime <= 0:
        return Text("")
    hard, soft = (round(width * at / moment.lifetime) for at in (moment.hard, moment.soft))
    marks = "╵ expiry".ljust(hard)[:hard] + "╵ hard".ljust(soft - hard)[: soft - hard] + "╵ soft: refreshed by now"
    return Text(marks[:width], style="dim")


def _facts(moment: Moment) -> list[tuple[str, Text]]:
    soon = "" if moment.next_refresh is None else f"next in about {moment.next_refresh:.0f} s"
    took = "" if moment.took is None else f"the last took {moment.took * 1000:.0f} ms"
    facts = [
        ("refreshes", _joined(f"{moment.refreshes:,}", soon, took)),
        (
            "callers",
            _joined(
                f"{moment.callers} threads",
                f"{moment.rate:.0f} tokens a second",
                f"{moment.served:,} served",
                _bad(moment.failed, "failed"),
            ),
        ),
        ("server", _joined(counted(moment.redemptions, "redemption"), _bad(moment.reuse, "reused"))),
        ("resource", _joined(f"{counted(moment.used, 'request')} served", _bad(moment.refused, "refused (401)"))),
    ]
    return [*facts, ("trouble", Text(printable(moment.trouble), style="bold red"))] if moment.trouble else facts


def _bad(number: int, what: str) -> tuple[str, str]:
    """A number that had better be 0."""
    return f"{number:,} {what}", "yellow" if number else "green"


def _joined(*parts: str | tuple[str, str]) -> Text:
    made = Text()
    for part in parts:
        if part:
            made.append(" · " if made else "", "dim")
            made.append(*((part,) if isinstance(part, str) else part))
    return made


def _line(each: Happening, width: int) -> Text:
    line = Text.assemble("  ", (each.clock, "dim"), "  ", ("● ", _TONES[each.tone]), each.text)
    line.truncate(width, overflow="ellipsis")
    line.no_wrap = True
    return line
