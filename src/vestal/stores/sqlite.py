"""The SQLite store: the default. One file, WAL, every write on the disk before it counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from vestal.core.ledger import Ledger
from vestal.stores.leases import FileLeases
from vestal.stores.ledger_sqlite import SQLiteLedger
from vestal.stores.record import Record
from vestal.stores.sqlite_file import BUSY, SQLiteFile

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE credentials (
        name TEXT PRIMARY KEY,
        revision INTEGER NOT NULL,
        version INTEGER NOT NULL,
        public TEXT NOT NULL,
        sealed BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE VIEW overview AS SELECT
        name,
        version,
        json_extract(public, '$.app.provider') AS provider,
        datetime(json_extract(public, '$.token.expires_at'), 'unixepoch') AS expires_at,
        datetime(json_extract(public, '$.refreshed_at'), 'unixepoch') AS refreshed_at,
        json_extract(public, '$.refresh_count') AS refresh_count,
        json_extract(public, '$.last_error.category') AS last_error
    FROM credentials;
    """,
)
"""What made the schema: `user_version` counts how many of these a file has been through. Only ever append."""

_COLUMNS = "name, revision, version, public, sealed"


class SQLiteBackend(SQLiteFile):
    """Records in an SQLite file; leases in lock files and the ledger in a file of its own, beside it."""

    application_id = 0x56455354  # VEST

    def __init__(
        self,
        path: Path,
        *,
        leases: FileLeases | None = None,
        busy: float = BUSY,
        migrations: Sequence[str] = MIGRATIONS,
    ) -> None:
        """`busy`: seconds to wait for a locked file. Nothing is opened before the first use."""
        super().__init__(path, migrations, busy)
        self._leases = leases or FileLeases(path.parent / "locks")
        self._ledger = SQLiteLedger(path.with_name("ledger.db"), busy=busy)

    @property
    def ledger(self) -> Ledger:
        """See `Backend.ledger`."""
        return self._ledger

    def get(self, name: str) -> Record | None:
        """See `Backend.get`."""
        row = self._run(
            lambda db: db.execute(f"SELECT {_COLUMNS} FROM credentials WHERE name = ?", (name,)).fetchone()  # noqa: S608
        )
        return None if row is None else Record(*row)

    def put(self, record: Record) -> bool:
        """See `Backend.put`."""
        values = (record.name, record.revision, record.version, record.public, record.sealed)
        if record.revision == 1:
            statement = f"INSERT INTO credentials ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
            return self._run(lambda db: db.execute(statement, values).rowcount) == 1
        statement = (
            "UPDATE credentials SET revision = ?2, version = ?3, public = ?4, sealed = ?5"
            " WHERE name = ?1 AND revision = ?2 - 1 AND version <= ?3"
        )
        return self._run(lambda db: db.execute(statement, values).rowcount) == 1

    def delete(self, name: str) -> bool:
        """See `Backend.delete`."""
        return self._run(lambda db: db.execute("DELETE FROM credentials WHERE name = ?", (name,)).rowcount) == 1

    def names(self) -> list[str]:
        """See `Backend.names`."""
        rows = self._run(lambda db: db.execute("SELECT name FROM credentials ORDER BY name").fetchall())
        return [name for (name,) in rows]

    def records(self) -> Iterator[Record]:
        """See `Backend.records`. Reads one by one: the store may be large, and change meanwhile."""
        for name in self.names():
            record = self.get(name)
            if record is not None:
                yield record

    def revisions(self, after: str = "", limit: int = 1000) -> list[tuple[str, int]]:
        """The first `limit` names behind `after`, sorted, with their revisions: cheap enough to be asked all the time."""
        statement = "SELECT name, revision FROM credentials WHERE name > ? ORDER BY name LIMIT ?"
        return self._run(lambda db: db.execute(statement, (after, limit)).fetchall())

    def outlines(self, names: Sequence[str]) -> list[tuple[str, int, str]]:
        """Name, revision and readable part, without its history, of those of these records that there are."""
        statement = (
            "SELECT name, revision, CASE WHEN json_valid(public) THEN json_remove(public, '$.history') ELSE '' END"
            " FROM credentials WHERE name IN (SELECT value FROM json_each(?))"
        )
        return self._run(lambda db: db.execute(statement, (json.dumps(list(names)),)).fetchall())

    def picks(self, names: Sequence[str], paths: Sequence[str]) -> list[tuple[str, int, str | None]]:
        """Name, revision and what the readable part has at these paths, of those of these records that there are.

        The third is a JSON list, with null for nothing; or None, if the readable part is no JSON. `paths`: two at least, as
        `$.a.b`.
        """
        picked = f"json_extract(public{', ?' * len(paths)})"
        statement = (
            f"SELECT name, revision, CASE WHEN json_valid(public) THEN {picked} END"  # noqa: S608
            " FROM credentials WHERE name IN (SELECT value FROM json_each(?))"
        )
        values = (*paths, json.dumps(list(names)))
        return self._run(lambda db: db.execute(statement, values).fetchall())

    def lease(self, name: str, timeout: float) -> AbstractContextManager[None]:
        """See `Backend.lease`."""
        return self._leases.lease(name, timeout)

    def leased(self, name: str) -> bool:
        """See `Backend.leased`."""
        return self._leases.leased(name)

    def close(self) -> None:
        """Close the files; the next use opens them again."""
        super().close()
        self._ledger.close()
