"""The SQLite store: the default. One file, WAL, every write on the disk before it counts."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, TypeVar

from vestal.core.errors import ConfigError, StoreUnavailable, VestalError
from vestal.core.fork import Forked, tell
from vestal.stores.files import check_private, make_private_folder
from vestal.stores.leases import FileLeases
from vestal.stores.record import Record

APPLICATION_ID = 0x56455354
"""`VEST`: tells file(1) and us whose database it is (https://sqlite.org/pragma.html#pragma_application_id)."""

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

BUSY = 10.0
"""Seconds to wait for a file that another process is writing."""

_COLUMNS = "name, revision, version, public, sealed"
_T = TypeVar("_T")
_left_to_the_parent: list[sqlite3.Connection] = []


class SQLiteBackend(Forked):
    """Records in an SQLite file, leases in lock files beside it."""

    def __init__(
        self,
        path: Path,
        *,
        leases: FileLeases | None = None,
        busy: float = BUSY,
        migrations: Sequence[str] = MIGRATIONS,
    ) -> None:
        """`busy`: seconds to wait for a locked file. Nothing is opened before the first use."""
        self.path = path
        self._leases = leases or FileLeases(path.parent / "locks")
        self._busy = busy
        self._migrations = tuple(migrations)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._forking = False
        tell(self)

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

    def lease(self, name: str, timeout: float) -> AbstractContextManager[None]:
        """See `Backend.lease`."""
        return self._leases.lease(name, timeout)

    def leased(self, name: str) -> bool:
        """See `Backend.leased`."""
        return self._leases.leased(name)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._abandon()

    def before_fork(self) -> None:
        """Close the file, so that no connection is open during a fork.

        One that is spoils every later one of the child, whose SQLite believes that it has the locks of its parent: the
        parent would take itself for the last user, and remove a WAL that the child still writes to
        (https://sqlite.org/howtocorrupt.html, section 2.6).
        """
        self._forking = self._lock.acquire(timeout=self._busy + 1)
        if self._forking:
            self._abandon()

    def after_fork(self) -> None:
        """Go on: the next use opens the file again."""
        if self._forking:
            self._forking = False
            self._lock.release()

    def in_child(self) -> None:
        """The same, in the child."""
        self._forking = False
        self._lock = threading.Lock()
        if self._connection is not None:  # a thread of the parent did not let go of it: never touch it again
            _left_to_the_parent.append(self._connection)
            self._connection = None

    def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        trouble: VestalError
        with self._lock:
            try:
                return work(self._open())
            except sqlite3.Error as error:
                trouble = translate(error, self.path)
                self._abandon()
        raise trouble

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        make_private_folder(self.path.parent)
        self._make_file()
        db = sqlite3.connect(self.path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        self._connection = db
        return db

    def _make_file(self) -> None:
        """SQLite gives its side files the mode of the database, so that has to be right from the first moment."""
        trouble = None
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            check_private(self.path)
        except OSError as error:
            trouble = error.strerror
        if trouble is not None:
            raise StoreUnavailable(f"the store {self.path} can't be made: {trouble}", remedy="check its folder")

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("BEGIN")  # one view of it all, whoever migrates meanwhile
        version, application = _pragma(db, "user_version"), _pragma(db, "application_id")
        filled = db.execute("SELECT EXISTS (SELECT * FROM sqlite_master)").fetchone() == (1,)
        db.execute("COMMIT")
        if application != (APPLICATION_ID if version or filled else 0):
            raise ConfigError(f"{self.path} is another program's database", remedy="name another folder in VESTAL_HOME")
        if version > len(self._migrations):
            raise ConfigError(
                f"the store {self.path} is of schema {version}, and this Vestal knows schemas up to {len(self._migrations)}",
                remedy="install the newer Vestal that wrote it",
            )
        db.execute("PRAGMA synchronous = FULL")
        if version < len(self._migrations):
            db.execute("PRAGMA journal_mode = WAL")
            self._migrate(db)

    def _migrate(self, db: sqlite3.Connection) -> None:
        """Bring the schema up to date: all steps in one transaction, and once if several processes open at once."""
        db.execute("BEGIN IMMEDIATE")
        try:
            done = _pragma(db, "user_version")
            for step in self._migrations[done:]:
                for statement in step.split(";"):
                    if statement.strip():
                        db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {len(self._migrations)}")
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _abandon(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def translate(error: sqlite3.Error, path: Path) -> VestalError:
    """What an SQLite error means for a person (https://sqlite.org/rescode.html)."""
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return ConfigError(f"the store {path} is damaged or not a database", remedy="restore it from a backup")
    known = {
        sqlite3.SQLITE_BUSY: ("is locked by another process", "wait, or look who holds it with `fuser`"),
        sqlite3.SQLITE_LOCKED: ("is locked by another process", "wait, or look who holds it with `fuser`"),
        sqlite3.SQLITE_FULL: ("can't be written: the disk is full", "free some space; nothing is lost"),
        sqlite3.SQLITE_READONLY: ("can't be written: it is read-only", "make the file and its folder writable"),
        sqlite3.SQLITE_CANTOPEN: ("can't be opened", "check the folder's permissions and free space"),
        sqlite3.SQLITE_IOERR: ("can't be read or written", "check the disk: it may be full or failing"),
    }
    what, remedy = known.get(code, (f"failed ({type(error).__name__}: {error})", "see `vestal doctor`"))
    return StoreUnavailable(f"the store {path} {what}", remedy=remedy)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    value: Any = db.execute(f"PRAGMA {name}").fetchone()[0]
    return int(value)
