"""Outputs read back, as each format's own readers see them."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from vestal.services.github.prs.record import FetchedPRFull, from_json, text_of
from vestal.services.github.prs.sinks.columns import columns, lists

SINGULAR = {"labels": "name", "assignees": "login", "linked_issues": "number", "linked_issues_elsewhere": "reference"}


def read(path: Path, name: str) -> list[FetchedPRFull]:
    """All records in a file, in its order; in a database, in that of `updated_at` and number, the newest first."""
    readers = {"jsonl": jsonl, "csv": from_csv, "sqlite": from_sqlite, "parquet": from_parquet}
    return [from_json(values) for values in readers[name](path)]


def jsonl(path: Path) -> Sequence[dict[str, Any]]:
    text = path.read_bytes().decode()
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def from_csv(path: Path) -> Sequence[dict[str, Any]]:
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert rows[0] == [column.name for column in columns()]
    return [
        {column.name: _cell(cell, column.kind, column.required) for column, cell in zip(columns(), row, strict=True)}
        for row in rows[1:]
    ]


def _cell(text: str, kind: str, required: bool) -> Any:
    if not text and not required:
        return None
    return text if kind in ("text", "time") else json.loads(text)


def from_sqlite(path: Path) -> Sequence[dict[str, Any]]:
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        found = []
        for row in db.execute(
            "SELECT * FROM pull_requests ORDER BY github_repo, updated_at DESC, number DESC"
        ).fetchall():
            values = dict(row)
            for name in ("is_draft", "is_merged"):
                values[name] = bool(values[name])
            for column in lists():
                items = db.execute(
                    f"SELECT * FROM {column.name} WHERE github_repo = ? AND pull_number = ? ORDER BY position",
                    (row["github_repo"], row["number"]),
                ).fetchall()
                single = SINGULAR.get(column.name)
                values[column.name] = [item[single] if single else dict(item) for item in items]
            found.append(values)
        return found


def from_parquet(path: Path) -> Sequence[dict[str, Any]]:
    import pyarrow.parquet

    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return [_plain(row) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
