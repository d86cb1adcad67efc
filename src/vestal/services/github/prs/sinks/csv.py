"""CSV (RFC 4180): a line with the names of the columns, then a line for each record; lists are JSON in their cells.

Nothing is an empty cell, the empty text is `""`. Texts are as GitHub has them: a title may begin with `=`, so a spreadsheet
should import these columns as text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from vestal.services.github.prs.sinks.columns import columns
from vestal.services.github.prs.sinks.text import Lines


class CSV(Lines):
    """UTF-8, without a byte order mark."""

    name = "csv"

    def heading(self) -> Iterator[str]:
        """The names."""
        yield ",".join(column.name for column in columns()) + "\r\n"

    def line(self, text: str) -> str:
        """A record."""
        record = json.loads(text)
        return ",".join(_cell(record[column.name]) for column in columns()) + "\r\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return '"' + text.replace('"', '""') + '"'
