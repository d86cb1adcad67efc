"""One SQLite file that threads, processes and forks share: opened on first use, private, WAL, migrated as needed."""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from vestal.core.errors import ConfigError, StoreUnavailable, VestalError
from vestal.core.fork import Forked, tell
from vestal.stores.files import check_private, make_private_folder

BUSY = 10.0
"""Seconds to wait for a file that another process is writing."""

POLL = 0.001
"""Seconds before the second look at a file that another process holds; then ever longer, up to `SLOWEST`."""

SLOWEST = 0.02

_LOCKED = ("is locked by another process", "wait, or look who holds it with `fuser`")

_T = TypeVar("_T")
_set_aside: list[sqlite3.Connection] = []


class SQLiteFile(Forked):
    """A database file and this process's one connection to it. Nothing is opened before the first use."""

    application_id: ClassVar[int]
    """Tells file(1) and us whose database it is (https://sqlite.org/pragma.html#pragma_application_id)."""
    synchronous: ClassVar[str] = "FULL"
    """What a power failure may take (https://sqlite.org/pragma.html#pragma_synchronous): with FULL nothing, with NORMAL
    the latest writes. A killed process loses nothing either way."""
    irreplaceable: ClassVar[bool] = True
    """Whether nobody may begin anew with an empty one while it is away."""
    if_damaged: ClassVar[str] = "restore it from a backup"
    """What a person can do then."""

    def __init__(self, path: Path, migrations: Sequence[str], busy: float = BUSY) -> None:
        """`migrations`: what makes the schema, step by step; `busy`: seconds to wait for a locked file."""
        self.path = path
        self._busy = busy
        self._migrations = tuple(migrations)
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._place: tuple[int, int] | None = None
        """Device and inode of the file that was opened."""
        self._forking = False
        tell(self)

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
            _set_aside.append(self._connection)
            self._connection = None

    def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        trouble: VestalError
        # While a thread waits for another process, those behind it must not wait for it, and then as long once more each.
        if not self._lock.acquire(timeout=self._busy):
            raise StoreUnavailable(f"the store {self.path} {_LOCKED[0]}", remedy=_LOCKED[1])
        try:
            self._check_place()
            return work(self._open())
        except sqlite3.Error as error:
            trouble = translate(error, self.path, self.if_damaged)
            self._abandon()
        finally:
            self._lock.release()
        raise trouble

    def _check_place(self) -> None:
        """See that the open file is the one at its path: what is written to one that was removed is lost, unnoticed."""
        if self._place is None:
            return
        place = self._found()
        if place is None and self.irreplaceable:
            raise StoreUnavailable(
                f"the store {self.path} is not there any more", remedy="put it back, or restore it from a backup"
            )
        if place != self._place:
            self._abandon()
            self._place = None

    def _found(self) -> tuple[int, int] | None:
        """Device and inode of what is at the path now."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        make_private_folder(self.path.parent)
        self._make_file()
        db = sqlite3.connect(self.path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        try:
            patiently(lambda: self._prepare(db), self._busy)
        except BaseException:
            db.close()
            raise
        self._connection = db
        self._place = self._found()
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
        if db.in_transaction:  # it is done again
            db.execute("ROLLBACK")
        db.execute("BEGIN")  # one view of it all, whoever migrates meanwhile
        version, application = _pragma(db, "user_version"), _pragma(db, "application_id")
        filled = db.execute("SELECT EXISTS (SELECT * FROM sqlite_master)").fetchone() == (1,)
        db.execute("COMMIT")
        if application != (self.application_id if version or filled else 0):
            raise ConfigError(f"{self.path} is another program's database", remedy="name another folder in VESTAL_HOME")
        if version > len(self._migrations):
            raise ConfigError(
                f"the store {self.path} is of schema {version}, and this Vestal knows schemas up to {len(self._migrations)}",
                remedy="install the newer Vestal that wrote it",
            )
        db.execute(f"PRAGMA synchronous = {self.synchronous}")
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
            db.execute(f"PRAGMA application_id = {self.application_id}")
            db.execute(f"PRAGMA user_version = {len(self._migrations)}")
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _abandon(self) -> None:
        """Close the file. Not one that is not at its path any more: SQLite would remove the side files of what is there."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(sqlite3.Error):
            if self._found() == self._place:
                connection.close()
                return
            _set_aside.append(connection)
            if sys.version_info >= (3, 12):
                connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)


def patiently(work: Callable[[], _T], busy: float) -> _T:
    """Do work again as long as another process holds the file, for up to `busy` seconds.

    SQLite itself does not wait where it could mean a deadlock, such as two that switch to WAL
    (https://sqlite.org/c3ref/busy_handler.html), and where it waits, it soon sleeps for 100 ms at a time.
    """
    deadline = time.monotonic() + busy
    pause = POLL
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
        pause = min(pause * 1.5, SLOWEST)


def code_of(error: sqlite3.Error) -> int:
    """Its primary result code; 0 if it has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def translate(error: sqlite3.Error, path: Path, if_damaged: str = SQLiteFile.if_damaged) -> VestalError:
    """What an SQLite error means for a person (https://sqlite.org/rescode.html)."""
    code = code_of(error)
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return ConfigError(f"the store {path} is damaged or not a database", remedy=if_damaged)
    known = {
        sqlite3.SQLITE_BUSY: _LOCKED,
        sqlite3.SQLITE_LOCKED: _LOCKED,
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
