"""A section as text: a table with its notes and verdicts."""

from __future__ import annotations

from bench.result import Column, Row, Section


def render(section: Section) -> str:
    """The section as it is printed."""
    columns = [_aligned(["", *(row.name for row in section.rows)], "<")]
    for column in section.columns:
        cells = [column.heading, *(_cell(column, row) for row in section.rows)]
        columns.append(_aligned(cells, "<" if column.text else ">"))
    columns.append(["", *(row.note for row in section.rows)])
    lines = [("  " + "   ".join(line)).rstrip() for line in zip(*columns, strict=True)]
    below = [f"  {line}" for line in [*section.notes, *section.verdicts]]
    return "\n".join(["", f"{section.name}: {section.title}", "", *lines, "", *below, ""])


def _cell(column: Column, row: Row) -> str:
    value = row.values.get(column.key, "-")
    return value if isinstance(value, str) else column.format.format(value)


def _aligned(cells: list[str], side: str) -> list[str]:
    width = max(map(len, cells))
    return [f"{cell:{side}{width}}" for cell in cells]
