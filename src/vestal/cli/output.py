"""What commands write: JSON for programs, lines and tables for people. rich comes in only where stdout is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vestal.cli.failure import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from vestal.core.credential import App

STYLES = {
    "idle": "green",
    "refreshing": "cyan",
    "authorizing": "cyan",
    "needs_login": "bold red",
    "error": "red",
    "valid": "green",
    "expiring": "yellow",
    "expired": "red",
    "missing": "dim",
    "fine": "green",
    "note": "cyan",
    "warning": "yellow",
    "trouble": "bold red",
}
"""How words are coloured wherever they stand alone in a cell."""

FLAME = "#ee6c1a"
"""The colour of the house."""


def say(text: str) -> None:
    """A line on stdout."""
    print(printable(text))


def note(text: str) -> None:
    """A line on stderr, after what was written to stdout before it."""
    sys.stdout.flush()
    print(printable(f"vestal: {text}"), file=sys.stderr, flush=True)


def write_json(value: object) -> None:
    """A value for programs."""
    import json

    print(json.dumps(value, indent=2))


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows for people. Where stdout is no terminal: columns of plain text, nothing cut."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(len(line[column]) for line in [headers, *cells]) for column in range(len(headers))]
        for line in [[header.upper() for header in headers], *cells]:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        return
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, header_style=f"bold {FLAME}", pad_edge=False, border_style="dim")
    for index, header in enumerate(headers):
        made.add_column(header, overflow="fold", no_wrap=index == 0 and max(map(len, (row[0] for row in cells))) <= 24)
    for row in cells:
        made.add_row(*(_styled(cell) for cell in row))
    console().print(made)


def details(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """One thing in full: a panel of names and values, or lines of them. Empty values are left out."""
    shown = [(name, printable(value)) for name, value in pairs if value]
    if not sys.stdout.isatty():
        width = max((len(name) for name, _ in shown), default=0)
        for name, value in [("name", printable(title)), *shown]:
            print(f"{name.ljust(width)}  {value}")
        return
    from rich.panel import Panel
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in shown:
        grid.add_row(name, _styled(value))
    console().print(
        Panel(grid, title=f"[bold]{_escaped(title)}[/]", title_align="left", border_style=FLAME, expand=False)
    )


def counted(number: int, what: str) -> str:
    """A number of things: `1 refresh`, `1,200 refreshes`."""
    if number == 1:
        return f"1 {what}"
    return f"{number:,} {what}" + ("es" if what.endswith("sh") else "s")


def service_of(app: App) -> str:
    """How people call the service of an app: its name in the catalogue, or the host of its token endpoint."""
    if app.provider != "custom":
        return app.provider
    return app.settings.get("token_url", "").partition("://")[2].partition("/")[0] or "custom"


def console(**options: Any) -> Console:
    """The terminal. Nothing is coloured by guessing."""
    from rich.console import Console

    return Console(highlight=False, **options)


def _styled(cell: str) -> Text:
    from rich.text import Text

    return Text(cell, style=STYLES.get(cell.partition(" ")[0].rstrip(","), "") if len(cell) < 40 else "")


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(printable(text))
