"""What a run of fetching keeps: what was listed, what is stored, and how far it came. It survives kill -9 at any moment.

One `Archive` holds one repository's pull requests. Several may share an `ArchiveFile`; one alone has a file of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import UnexpectedError
from vestal.services.github.prs.archive_file import PAGE, ArchiveFile, Row, Rows, paged
from vestal.services.github.prs.archive_options import differing, read_options, written
from vestal.services.github.prs.archive_records import look_again_until, read_record, write_record
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import FetchedPRFull


@dataclass(frozen=True, slots=True)
class Listed:
    """A pull request as a listing shows it."""

    number: int
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a run begins."""

    listing_cursor: str | None = None
    """The page after this cursor is listed next; None: the first."""
    listing_done: bool = False
    high_water: datetime | None = None
    """All that was updated before is there already: the listing may end at what is older. None: it goes all the way."""
    filled: bool = False
    """The run before came to its end since there was room for no more (`max_prs`): there may be more that is older."""
    newly: bool = True
    """Nothing was there to go on from."""
    note: str = ""
    """What a person should know of it."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the last run ended."""

    state: Literal["new", "interrupted", "complete"]
    reason: str = ""
    """Why it was interrupted."""
    at: datetime | None = None
    """Since when it is like that."""


Found = list[Listed]


class Archive:
    """One repository's part of a checkpoint. Safe for use from any thread; every method is one transaction.

    Raises `ConfigError` for a file that can't be used, and `StoreUnavailable` if it can't be read or written.
    """

    def __init__(self, place: Path | ArchiveFile | None, *, clock: Clock | None = None) -> None:
        """`place`: a file of its own, one that is shared, or None for memory."""
        self.file = place if isinstance(place, ArchiveFile) else ArchiveFile(place)
        self._shared = isinstance(place, ArchiveFile)
        self._clock: Clock = clock or SystemClock()
        self._part: int | None = None

    def close(self) -> None:
        """Close the file, if it is not shared."""
        if not self._shared:
            self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def unfinished(self, repository: str) -> FetchOptions | None:
        """What the run was asked for that did not come to its end; None if none did not.

        To go on with it, ask for the very same: a window that ends "now" is never the same twice.
        """
        with self.file.transaction() as db:
            row = db.execute(
                "SELECT options FROM parts WHERE repository = ? AND state <> 'complete'", (repository,)
            ).fetchone()
        return None if row is None else read_options(row[0])

    def begin(self, fetch: FetchOptions) -> Resume:
        """Begin a run, or go on with one.

        Other options than those of the run before begin afresh; but a later `since` after a complete one only drops what
        is older. After a complete run, an update follows: what is stored stays.
        """
        with self.file.transaction() as db:
            notes = [self.file.note] if self.file.note else []
            self.file.note = ""
            if not self._shared:
                notes += self._forget_others(db, fetch.repository)
            row = db.execute(
                "SELECT id, options, state, listing_cursor, listing_done, high_water, filled FROM parts"
                " WHERE repository = ?",
                (fetch.repository,),
            ).fetchone()
            if row is not None:
                old = read_options(row[1])
                differs = differing(old, fetch, complete=row[2] == "complete")
                if differs:
                    notes.append(f"{fetch.repository}: fetched afresh, since {', '.join(differs)} changed")
                    self.file.forget(db, row[0])
                    row = None
            if row is None:
                self._part = self._new(db, fetch)
                return Resume(note="; ".join(notes))
            self._part, _, state, cursor, done, high_water, filled = row
            if state == "complete":
                self._update(db, fetch)
                cursor, done = None, False
            db.execute(
                "UPDATE parts SET state = 'running', reason = '', changed_at = ?, run = run + 1 WHERE id = ?",
                (self._clock.now(), self._part),
            )
            return Resume(cursor, bool(done), _when(high_water), bool(filled), newly=False, note="; ".join(notes))

    def list(self, found: Sequence[Listed], cursor: str | None, done: bool) -> None:
        """Take a page of the listing, the newest first. `cursor`: where the next one begins; `done`: there is none.

        What is stored already as it is listed stays done, unless a check run was still under way then.
        """
        with self.file.transaction() as db:
            position = self.file.next(db, "position", len(found))
            run = self._field(db, "run")
            for at, each in enumerate(found, position):
                when = each.updated_at.timestamp()
                db.execute(
                    "INSERT INTO pulls (part, number, listed_at, position, wanted) VALUES (?1, ?2, ?3, ?4, 1)"
                    " ON CONFLICT (part, number) DO UPDATE SET listed_at = ?3, position = ?4,"
                    " wanted = record IS NULL OR updated_at < ?3"
                    " OR (run < ?5 AND look_again_until IS NOT NULL AND stored_at < look_again_until)",
                    (self.part, each.number, when, at, run),
                )
            newest = max((each.updated_at.timestamp() for each in found), default=None)
            db.execute(
                "UPDATE parts SET listing_cursor = ?2, listing_done = ?3,"
                " newest = CASE WHEN ?4 IS NULL THEN newest ELSE max(ifnull(newest, ?4), ?4) END WHERE id = ?1",
                (self.part, cursor, done, newest),
            )

    def wanted(self, limit: int) -> Found:
        """The next ones to be fetched, in the order of the listing."""
        with self.file.transaction() as db:
            rows = db.execute(
                "SELECT number, listed_at FROM pulls WHERE part = ? AND wanted ORDER BY position LIMIT ?",
                (self.part, limit),
            ).fetchall()
        return [Listed(number, datetime.fromtimestamp(listed_at, UTC)) for number, listed_at in rows]

    def put(self, records: Iterable[FetchedPRFull]) -> None:
        """Store records. One that was stored already is replaced, and counts as new if it differs."""
        texts = [(record, write_record(record)) for record in records]
        with self.file.transaction() as db:
            run, now = self._field(db, "run"), self._clock.now()
            for record, text in texts:
                key, when = (self.part, record.number), record.updated_at.timestamp()
                row = db.execute("SELECT record, seq FROM pulls WHERE part = ? AND number = ?", key).fetchone()
                if row is None:
                    place = self.file.next(db, "position")
                    db.execute(
                        "INSERT INTO pulls (part, number, listed_at, position, wanted) VALUES (?, ?, ?, ?, 0)",
                        (*key, when, place),
                    )
                seq = row[1] if row is not None and row[0] == text else self.file.next(db, "seq")
                db.execute(
                    "UPDATE pulls SET record = ?3, seq = ?4, updated_at = ?5, stored_at = ?6, look_again_until = ?7,"
                    " run = ?8, wanted = 0 WHERE part = ?1 AND number = ?2",
                    (*key, text, seq, when, now, look_again_until(record), run),
                )

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget pull requests: they are gone, or no longer what is asked for."""
        with self.file.transaction() as db:
            for number in numbers:
                self._drop(db, "number = ?", (number,))

    def counts(self) -> tuple[int, int]:
        """How many are stored, and how many are known of."""
        with self.file.transaction() as db:
            known, wanted = db.execute(  # of indexes alone: the rows are large, and this is asked often
                "SELECT (SELECT count(*) FROM pulls WHERE part = ?1),"
                " (SELECT count(*) FROM pulls WHERE part = ?1 AND wanted)",
                (self.part,),
            ).fetchone()
        return int(known) - int(wanted), int(known)

    def complete(self) -> None:
        """All is there: the next run is an update."""
        with self.file.transaction() as db:
            most = read_options(self._field(db, "options")).max_prs
            there = db.execute("SELECT count(*) FROM pulls WHERE part = ?", (self.part,)).fetchone()[0]
            if most is not None:  # an update has brought more: the ones updated last are asked for
                kept = "SELECT number FROM pulls WHERE part = ? ORDER BY updated_at DESC, number DESC LIMIT ?"
                self._drop(db, f"number NOT IN ({kept})", (self.part, most))
            db.execute(
                "UPDATE parts SET state = 'complete', reason = '', changed_at = ?2, listing_cursor = NULL,"
                " listing_done = 0, high_water = ifnull(max(newest, ifnull(high_water, newest)), high_water),"
                " filled = ?3 WHERE id = ?1",
                (self.part, self._clock.now(), most is not None and there >= most),
            )

    def interrupted(self, reason: str) -> None:
        """The run ends before its end. `reason` is told to people."""
        with self.file.transaction() as db:
            db.execute(
                "UPDATE parts SET state = 'interrupted', reason = ?2, changed_at = ?3 WHERE id = ?1",
                (self.part, reason, self._clock.now()),
            )

    def status(self) -> Status:
        """How the last run ended. One that was killed could not say why."""
        if self._part is None:
            return Status("new")
        with self.file.transaction() as db:
            row = db.execute("SELECT state, reason, changed_at FROM parts WHERE id = ?", (self._part,)).fetchone()
        state, reason, changed_at = row
        if state == "running":
            state, reason = "interrupted", "the run has not come to its end"
        return Status(state, reason, _when(changed_at))

    def records(self) -> Iterator[FetchedPRFull]:
        """All that is stored, the one updated last first."""
        return map(read_record, self.texts())

    def texts(self) -> Iterator[str]:
        """The same as JSON, as it is stored."""

        def fetch(last: Row) -> Rows:
            with self.file.transaction() as db:
                return db.execute(
                    "SELECT updated_at, number, record FROM pulls WHERE part = ? AND record IS NOT NULL"
                    " AND (updated_at, number) < (?, ?) ORDER BY updated_at DESC, number DESC LIMIT ?",
                    (self.part, last[0], last[1], PAGE),
                ).fetchall()

        return (text for _, _, text in paged(fetch, (float("inf"), 0)))

    def since_seq(self, seq: int) -> Iterator[tuple[int, FetchedPRFull]]:
        """What was stored after that, in the order of storing. A record that was replaced has moved to the end."""
        return ((number, read_record(text)) for number, text in self.file.stored_after(seq, self.part))

    @property
    def part(self) -> int:
        """Which part of the file this is."""
        if self._part is None:
            raise UnexpectedError("the archive was not begun")
        return self._part

    def _new(self, db: sqlite3.Connection, fetch: FetchOptions) -> int:
        made = db.execute(
            "INSERT INTO parts (repository, options, state, changed_at) VALUES (?, ?, 'running', ?)",
            (fetch.repository, written(fetch), self._clock.now()),
        )
        assert made.lastrowid is not None
        return made.lastrowid

    def _update(self, db: sqlite3.Connection, fetch: FetchOptions) -> None:
        """Look again at what may have changed without being listed anew, and drop what has left the window."""
        db.execute("UPDATE parts SET options = ? WHERE id = ?", (written(fetch), self._part))
        if fetch.since is not None:
            self._drop(db, "ifnull(updated_at, listed_at) < ?", (fetch.since.timestamp(),))
        db.execute(
            "UPDATE pulls SET wanted = 1 WHERE part = ? AND (record IS NULL OR updated_at < listed_at"
            " OR stored_at < look_again_until)",
            (self._part,),
        )

    def _drop(self, db: sqlite3.Connection, which: str, values: tuple[Any, ...]) -> None:
        gone = db.execute(f"DELETE FROM pulls WHERE part = ? AND {which}", (self.part, *values)).rowcount  # noqa: S608
        if gone:
            self.file.next(db, "seq")

    def _forget_others(self, db: sqlite3.Connection, repository: str) -> Iterator[str]:
        for part, name in db.execute(
            "SELECT id, repository FROM parts WHERE repository <> ?", (repository,)
        ).fetchall():
            self.file.forget(db, part)
            yield f"{name} was in the checkpoint, and is not asked for: it is dropped"

    def _field(self, db: sqlite3.Connection, name: str) -> Any:
        return db.execute(f"SELECT {name} FROM parts WHERE id = ?", (self.part,)).fetchone()[0]  # noqa: S608


def _when(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
