"""The ledger of the SQLite store: a file of its own, so that counting requests never waits for a credential's save."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from vestal.core.ledger import Change
from vestal.stores.sqlite_file import BUSY, SQLiteFile, patiently

MIGRATIONS: tuple[str, ...] = ("CREATE TABLE ledger (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",)
"""What made the schema. Only ever append."""

_T = TypeVar("_T")


class SQLiteLedger(SQLiteFile):
    """Values in an SQLite file."""

    application_id = 0x5645534C  # VESL
    synchronous = "NORMAL"
    irreplaceable = False
    if_damaged = "delete it: it holds only what services have told of quotas, and they will tell again"

    def __init__(self, path: Path, *, busy: float = BUSY) -> None:
        """`busy`: seconds to wait for a locked file. Nothing is opened before the first use."""
        super().__init__(path, MIGRATIONS, busy)

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        """See `Ledger.read`."""
        marks = ", ".join("?" * len(keys))
        statement = f"SELECT key, value FROM ledger WHERE key IN ({marks})"  # noqa: S608
        return dict(self._run(lambda db: db.execute(statement, tuple(keys)).fetchall()))

    def change(self, key: str, change: Change[_T]) -> _T:
        """See `Ledger.change`."""

        def work(db: sqlite3.Connection) -> _T:
            self._begin(db)
            try:
                row = db.execute("SELECT value FROM ledger WHERE key = ?", (key,)).fetchone()
                value, result = change(None if row is None else row[0])
                if value is not None:
                    db.execute("INSERT OR REPLACE INTO ledger (key, value) VALUES (?, ?)", (key, value))
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
            return result

        return self._run(work)

    def _begin(self, db: sqlite3.Connection) -> None:
        """Take the right to write."""
        db.execute("PRAGMA busy_timeout = 0")
        try:
            patiently(lambda: db.execute("BEGIN IMMEDIATE"), self._busy)
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(self._busy * 1000)}")
