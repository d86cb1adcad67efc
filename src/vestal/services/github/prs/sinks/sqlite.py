"""SQLite: a table `pull_requests`, and one for each list of a record (`commits`, `reviews`, `labels`, ...).

Times are text in ISO 8601, booleans 0 and 1. The tables of lists have `github_repo` and `pull_number`, and `position` for
the order. Records are put in place of what is there, so that doing it twice changes nothing.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from vestal.core.errors import StoreUnavailable
from vestal.services.github.prs.sinks.columns import Column, lists, scalars

APPLICATION_ID = 0x56455055  # VEPU
_TYPES = {"integer": "INTEGER", "real": "REAL", "text": "TEXT", "boolean": "INTEGER", "time": "TEXT"}
_KEY = ("github_repo", "pull_number")
_SINGULAR = {"labels": "name", "assignees": "login", "linked_issues": "number", "linked_issues_elsewhere": "reference"}


class SQLite:
    """A database of its own. The position is 1 as soon as there is one: what was written twice is there once."""

    name = "sqlite"
    streams = True

    def append(self, partial: Path, position: int, texts: Iterable[str]) -> int:
        """See `Sink.append`."""
        if not position:
            self.discard(partial)
        _put(partial, texts)
        return 1

    def good(self, partial: Path, position: int) -> bool:
        """See `Sink.good`."""
        return partial.exists()

    def write(self, path: Path, texts: Iterable[str]) -> None:
        """See `Sink.write`."""
        _put(path, texts)
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def discard(self, partial: Path) -> None:
        """See `Sink.discard`."""
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{partial}{suffix}").unlink(missing_ok=True)


def _put(path: Path, texts: Iterable[str]) -> None:
    """All in one transaction."""
    trouble = ""
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            for statement in _schema():
                db.execute(statement)
            for text in texts:
                _upsert(db, json.loads(text))
            db.execute("COMMIT")
    except sqlite3.Error as error:
        trouble = str(error)
    if trouble:
        raise StoreUnavailable(f"{path} can't be written: {trouble}", remedy="check the disk, and run it again")


def _upsert(db: sqlite3.Connection, record: dict[str, Any]) -> None:
    key = (record["github_repo"], record["number"])
    names = [column.name for column in scalars()]
    db.execute(_insert("pull_requests", names), [record[name] for name in names])
    for column in lists():
        db.execute(f"DELETE FROM {column.name} WHERE github_repo = ? AND pull_number = ?", key)  # noqa: S608
        items = [column.name for column in _items(column)]
        rows = [
            (*key, position, *([item] if not isinstance(item, dict) else [item[name] for name in items]))
            for position, item in enumerate(record[column.name])
        ]
        db.executemany(_insert(column.name, [*_KEY, "position", *items]), rows)


def _insert(table: str, names: list[str]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608


def _items(column: Column) -> tuple[Column, ...]:
    if isinstance(column.item, tuple):
        return column.item
    return (Column(_SINGULAR.get(column.name, "value"), column.item, required=True),)


def _schema() -> Iterator[str]:
    yield f"PRAGMA application_id = {APPLICATION_ID}"
    yield (
        f"CREATE TABLE IF NOT EXISTS pull_requests ({', '.join(map(_declared, scalars()))},"
        " PRIMARY KEY (github_repo, number)) WITHOUT ROWID"
    )
    for column in lists():
        yield (
            f"CREATE TABLE IF NOT EXISTS {column.name} (github_repo TEXT NOT NULL, pull_number INTEGER NOT NULL,"
            f" position INTEGER NOT NULL, {', '.join(map(_declared, _items(column)))},"
            " PRIMARY KEY (github_repo, pull_number, position)) WITHOUT ROWID"
        )


def _declared(column: Column) -> str:
    return f"{column.name} {_TYPES[column.kind]}" + (" NOT NULL" if column.required else "")
