"""The file of a checkpoint: an SQLite database that one run has for itself, and that no kill damages.

Whoever opens it holds SQLite's exclusive lock until the file is closed, or until the kernel closes it for a killed process
(https://sqlite.org/pragma.html#pragma_locking_mode). Every change is one transaction, on the disk before it counts.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vestal.core.errors import ConfigError, StoreUnavailable, VestalError
from vestal.services.github.prs.archive_schema import APPLICATION_ID, SCHEMA, STATEMENTS

Row = tuple[Any, ...]
Rows = list[Row]

PAGE = 100
"""Records that are read at once."""


class ArchiveFile:
    """A checkpoint's database. Safe for use from any thread; a second process that opens it gets a `ConfigError`."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: in memory. What is damaged is moved aside to `NAME.corrupt`, and `note` says so.

        Raises `ConfigError` for a file that another run has open, or that is none of ours, and `StoreUnavailable`.
        """
        self.path = path
        self.note = ""
        """What a person should know of the opening."""
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        self.existed = path is not None and path.exists()
        try:
            self._db = self._open()
        except _Damaged:
            self._move_aside()
            self._db = self._open()

    def close(self) -> None:
        """Close the file; another run may have it."""
        with self._lock:
            if self._db is not None:
                with suppress(sqlite3.Error):
                    self._db.close()
                self._db = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A block of statements that count together, or not at all. Raises `StoreUnavailable`."""
        trouble: VestalError | None = None
        with self._lock:
            if self._db is None:
                raise StoreUnavailable(f"{self._name} is closed", remedy="open it again")
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                trouble = self._translated(error)
            finally:
                if self._db.in_transaction:
                    with suppress(sqlite3.Error):
                        self._db.execute("ROLLBACK")
        if trouble is not None:
            raise trouble

    def next(self, db: sqlite3.Connection, counter: str, by: int = 1) -> int:
        """Add to a counter within a transaction; its value before."""
        value = self.count(db, counter)
        db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (counter, value + by))
        return value

    @staticmethod
    def count(db: sqlite3.Connection, counter: str) -> int:
        """The value of a counter: 1 at first."""
        row = db.execute("SELECT value FROM counters WHERE name = ?", (counter,)).fetchone()
        return 1 if row is None else int(row[0])

    @property
    def generation(self) -> int:
        """Grows with every change of what is stored."""
        with self.transaction() as db:
            return self.count(db, "seq")

    @property
    def epoch(self) -> int:
        """Grows when a part is dropped as a whole."""
        with self.transaction() as db:
            return self.count(db, "epoch")

    @property
    def is_empty(self) -> bool:
        """Whether no pull request is known of."""
        with self.transaction() as db:
            return bool(db.execute("SELECT NOT EXISTS (SELECT * FROM pulls)").fetchone()[0])

    def read_note(self, name: str) -> str | None:
        """What an output has written down under a name."""
        with self.transaction() as db:
            row = db.execute("SELECT value FROM notes WHERE name = ?", (name,)).fetchone()
            return None if row is None else str(row[0])

    def write_note(self, name: str, value: str | None) -> None:
        """Write something down for an output; None: forget it."""
        with self.transaction() as db:
            if value is None:
                db.execute("DELETE FROM notes WHERE name = ?", (name,))
            else:
                db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))

    def stored_after(self, seq: int, part: int | None = None) -> Iterator[tuple[int, str]]:
        """Records, as JSON, with their numbers in the order of storing; of one part, or of all."""

        def fetch(last: Row) -> Rows:
            with self.transaction() as db:
                return db.execute(
                    "SELECT seq, record FROM pulls WHERE seq > ?1 AND (?2 IS NULL OR part = ?2) ORDER BY seq LIMIT ?3",
                    (last[0], part, PAGE),
                ).fetchall()

        return ((number, text) for number, text in paged(fetch, (seq,)))

    def changed_since(self, generation: int, part: int) -> int:
        """How many records of a part are new, or other than they were, since a generation."""
        with self.transaction() as db:
            row = db.execute("SELECT count(*) FROM pulls WHERE part = ? AND seq >= ?", (part, generation)).fetchone()
        return int(row[0])

    def keep_only(self, repositories: Iterable[str]) -> list[str]:
        """Drop what is there of other repositories; their names."""
        kept = {name.lower() for name in repositories}
        with self.transaction() as db:
            rows = db.execute("SELECT id, repository FROM parts").fetchall()
            gone = [(part, name) for part, name in rows if name.lower() not in kept]
            for part, _ in gone:
                self.forget(db, part)
        return [name for _, name in gone]

    def forget(self, db: sqlite3.Connection, part: int) -> None:
        """Drop a part within a transaction. What was streamed of it is worth nothing any more: a new epoch begins."""
        db.execute("DELETE FROM pulls WHERE part = ?", (part,))
        db.execute("DELETE FROM parts WHERE id = ?", (part,))
        self.next(db, "seq")
        self.next(db, "epoch")

    @property
    def _name(self) -> str:
        return "the archive" if self.path is None else str(self.path)

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            _make(self.path)
        db = sqlite3.connect(self.path or ":memory:", timeout=0.5, isolation_level=None, check_same_thread=False)
        trouble: VestalError
        try:
            self._prepare(db)
        except sqlite3.Error as error:
            trouble = self._translated(error)
        except VestalError as error:
            trouble = error
        else:
            return db
        db.close()
        raise trouble

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("BEGIN IMMEDIATE")
        version, application = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
        )
        if application != APPLICATION_ID:
            if db.execute("SELECT EXISTS (SELECT * FROM sqlite_master)").fetchone()[0] or version:
                raise ConfigError(f"{self._name} is another program's database", remedy="name another file with --out")
            for statement in STATEMENTS:
                db.execute(statement)
        elif version != SCHEMA:
            raise ConfigError(
                f"{self._name} is of schema {version}, and this Vestal knows schema {SCHEMA}",
                remedy="use the Vestal that wrote it, or remove it and begin afresh",
            )
        elif db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise _Damaged(f"{self._name} is damaged")
        db.execute("COMMIT")

    def _move_aside(self) -> None:
        assert self.path is not None  # what is in memory is not read
        aside = _free_name(self.path)
        for suffix in ("", "-wal", "-journal"):  # a WAL left behind would be played into the new file
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").replace(f"{aside}{suffix}")
        self.note = f"{self.path} was damaged: it is {aside.name} now, and all is fetched afresh"

    def _translated(self, error: sqlite3.Error) -> VestalError:
        """What an SQLite error means for a person (https://sqlite.org/rescode.html)."""
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return _Damaged(f"{self._name} is damaged", remedy="run it again: it is moved aside then")
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return ConfigError(
                f"another run is writing to {self._name}", remedy="wait for its end, or name another file with --out"
            )
        known = {
            sqlite3.SQLITE_FULL: ("the disk is full", "free some space and run it again: it goes on where it was"),
            sqlite3.SQLITE_READONLY: ("it is read-only", "make the file and its folder writable"),
            sqlite3.SQLITE_CANTOPEN: ("it can't be opened", "check the folder's permissions and free space"),
            sqlite3.SQLITE_IOERR: ("the disk fails, or is full", "check the disk and run it again"),
        }
        what, remedy = known.get(code, (f"{type(error).__name__}: {error}", "run it again"))
        return StoreUnavailable(f"{self._name} can't be used: {what}", remedy=remedy)


class _Damaged(StoreUnavailable):
    """The file is no database, or a broken one."""


def paged(fetch: Callable[[Row], Rows], start: Row) -> Iterator[Row]:
    """Rows page by page, so that others may write between: `fetch` gets the last row that there was."""
    last = start
    while rows := fetch(last):
        yield from rows
        last = rows[-1]


def _make(path: Path) -> None:
    """SQLite gives its side files the mode of the database, so that has to be right from the first moment.

    A file that is there is not even opened: to close it would release this process's own locks on it
    (https://sqlite.org/howtocorrupt.html, section 2.2).
    """
    trouble = ""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        trouble = f"{path.name} is a folder" if path.is_dir() else ""
    except OSError as error:
        trouble = error.strerror or "it can't be made"
    if trouble:
        raise ConfigError(f"{path} can't be written: {trouble}", remedy="name a file in a folder that you may write to")


def _free_name(path: Path) -> Path:
    for n in range(1, 1000):
        name = path.with_name(f"{path.name}.corrupt" + (f".{n}" if n > 1 else ""))
        if not name.exists():
            return name
    return path.with_name(f"{path.name}.corrupt")
