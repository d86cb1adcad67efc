"""What opens backends in the processes of the store contract."""

from __future__ import annotations

from pathlib import Path

from vestal.stores.sqlite import SQLiteBackend


def sqlite(folder: str) -> SQLiteBackend:
    return SQLiteBackend(Path(folder) / "store.db")
