"""JSON lines: one record a line, as `record.to_json` makes it (https://jsonlines.org)."""

from __future__ import annotations

from vestal.services.github.prs.sinks.text import Lines


class JSONLines(Lines):
    """UTF-8, a line feed after every record."""

    name = "jsonl"

    def line(self, text: str) -> str:
        """The record as it is: JSON has no line breaks of its own."""
        return text + "\n"
