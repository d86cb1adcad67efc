"""The file of the daemon's own records, `daemon.db` in the home: the API keys, hashed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vestal.stores.sqlite_file import SQLiteFile

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE keys (
        name TEXT PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        hash BLOB NOT NULL,
        patterns TEXT NOT NULL,
        actions TEXT NOT NULL,
        created_at REAL NOT NULL,
        last_used_at REAL
    ) WITHOUT ROWID;
    """,
)
"""What made the schema. Only ever append."""

BUSY = 2.0
"""Seconds to wait for another process that writes: requests wait for it."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """An API key as it is kept: everything but the key itself."""

    name: str
    id: str
    """The part of the key that is not secret; it finds the record."""
    hash: bytes
    """SHA-256 of the whole key."""
    patterns: tuple[str, ...]
    actions: tuple[str, ...]
    created_at: float
    """Epoch seconds."""
    last_used_at: float | None = None


class AccessFile(SQLiteFile):
    """Keys in an SQLite file. Raises `StoreUnavailable` and `ConfigError` as every store."""

    application_id = 0x56455344  # VESD
    if_damaged = "remove it, and make the keys anew with `vestal key add`"

    def __init__(self, path: Path, *, busy: float = BUSY) -> None:
        """Nothing is opened before the first use."""
        super().__init__(path, MIGRATIONS, busy)

    def all(self) -> list[KeyRecord]:
        """All keys, by name."""
        rows = self._run(
            lambda db: db.execute(
                "SELECT name, id, hash, patterns, actions, created_at, last_used_at FROM keys ORDER BY name"
            ).fetchall()
        )
        return [
            KeyRecord(name, id, hash, tuple(json.loads(patterns)), tuple(json.loads(actions)), created_at, used)
            for name, id, hash, patterns, actions, created_at, used in rows
        ]

    def insert(self, key: KeyRecord) -> bool:
        """Keep a key; False if there is one of that name."""
        values = (key.name, key.id, key.hash, json.dumps(key.patterns), json.dumps(key.actions), key.created_at)
        statement = (
            "INSERT INTO keys (name, id, hash, patterns, actions, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )
        return self._run(lambda db: db.execute(statement, values).rowcount) == 1

    def delete(self, name: str) -> bool:
        """Forget a key; False if there is none of that name."""
        return self._run(lambda db: db.execute("DELETE FROM keys WHERE name = ?", (name,)).rowcount) == 1

    def used(self, times: Mapping[str, float]) -> None:
        """Note when keys, by id, were used last."""
        statement = "UPDATE keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?"
        rows = [(at, id) for id, at in times.items()]
        self._run(lambda db: db.executemany(statement, rows))
