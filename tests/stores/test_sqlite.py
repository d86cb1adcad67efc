"""The SQLite store: the contract, and what is SQLite's own."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli import disks
from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.stores.record import Record
from vestal.stores.sqlite import MIGRATIONS, SQLiteBackend
from vestal.testing.store_contract import StoreContract
from vestal.testing.store_processes import SharedByProcesses

OLD = Record("a", 1, 1, "{}", b"old")
NEXT = (*MIGRATIONS, "ALTER TABLE credentials ADD COLUMN note TEXT DEFAULT 'none'; CREATE TABLE more (x)")
Open = Callable[..., SQLiteBackend]


class TestSQLite(SharedByProcesses, StoreContract):
    opener = "tests.stores.backends:sqlite"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "store.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Opens backends on one file; all are closed in the end."""
    made: list[SQLiteBackend] = []

    def open_(**options: object) -> SQLiteBackend:
        made.append(SQLiteBackend(path, **options))  # type: ignore[arg-type]
        return made[-1]

    yield open_
    for backend in made:
        backend.close()


def by_hand(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """What a person with `sqlite3` does and sees."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return [row for statement in statements for row in db.execute(statement)]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


# Files


def test_nothing_is_made_before_the_first_use(opened: Open, path: Path) -> None:
    backend = opened()
    assert not path.parent.exists()
    assert backend.names() == []
    assert path.exists()


@pytest.mark.parametrize("lease_first", [False, True])
def test_files_are_private_whatever_the_umask(opened: Open, path: Path, lease_first: bool) -> None:
    backend = opened()
    umask = os.umask(0)
    try:
        if lease_first:
            with backend.lease("a", 0):
                pass
        backend.put(OLD)
        with backend.lease("a", 0):
            pass
        files = [each for each in path.parent.rglob("*") if each.is_file()]
        assert {each.name for each in files} >= {"store.db", "store.db-wal", "store.db-shm"}
        assert {each.name: mode(each) for each in files} == {each.name: 0o600 for each in files}
        assert [mode(path.parent), mode(path.parent / "locks")] == [0o700, 0o700]
    finally:
        os.umask(umask)


@pytest.mark.parametrize(("name", "open_to_others", "right"), [("", 0o750, "700"), ("store.db", 0o640, "600")])
def test_what_others_can_read_is_refused(opened: Open, path: Path, name: str, open_to_others: int, right: str) -> None:
    opened().put(OLD)
    spoilt = path.parent / name
    spoilt.chmod(open_to_others)
    with pytest.raises(ConfigError) as caught:
        opened().get("a")
    assert caught.value.remedy.startswith(f"chmod {right} {spoilt}")
    spoilt.chmod(int(right, 8))
    assert opened().get("a") == OLD


def test_a_folder_that_is_a_file(opened: Open, path: Path) -> None:
    path.parent.write_text("")
    with pytest.raises(ConfigError, match="not a folder"):
        opened().names()


# The database


def test_every_write_is_on_the_disk_before_it_counts(opened: Open, path: Path) -> None:
    opened().put(OLD)
    again = opened()
    assert again._run(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (2,)  # FULL
    assert by_hand(path, "PRAGMA journal_mode") == [("wal",)]


def test_people_can_read_the_overview(opened: Open, path: Path) -> None:
    public = {
        "app": {"provider": "acme"},
        "token": {"expires_at": 1_800_000_000.5},
        "refreshed_at": None,
        "refresh_count": 3,
        "last_error": {"category": "TIMEOUT"},
    }
    opened().put(Record("a", 1, 2, json.dumps(public), b""))
    assert by_hand(path, "SELECT * FROM overview") == [("a", 2, "acme", "2027-01-15 08:00:00", None, 3, "TIMEOUT")]


def test_a_damaged_file(opened: Open, path: Path) -> None:
    opened().names()
    for each in path.parent.glob("store.db*"):
        each.write_bytes(b"garbage " * 2000)
    with pytest.raises(ConfigError, match="damaged or not a database") as caught:
        opened().names()
    assert "backup" in caught.value.remedy


def test_damaged_pages(opened: Open, path: Path) -> None:
    backend = opened()
    for number in range(50):
        backend.put(Record(f"r{number}", 1, 1, "{}", b"x" * 1000))
    backend.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises(ConfigError, match="damaged"):
        opened().get("r7")


@pytest.mark.parametrize(
    "statements",
    [
        ("PRAGMA application_id = 1",),
        ("CREATE TABLE cookies (x)",),
        ("CREATE TABLE cookies (x)", "PRAGMA user_version = 2"),
        ("CREATE TABLE cookies (x)", "PRAGMA user_version = 99"),
    ],
)
def test_another_programs_database_is_left_alone(opened: Open, path: Path, statements: tuple[str, ...]) -> None:
    path.parent.mkdir(0o700)
    by_hand(path, *statements)
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="another program's database"):
        opened().put(OLD)
    assert path.read_bytes() == before


def test_a_locked_file(opened: Open, path: Path) -> None:
    backend = opened(busy=0.05)
    backend.put(OLD)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="locked by another process") as caught:
            backend.put(Record("a", 2, 1, "{}", b"new"))
        assert caught.value.passing
        assert backend.get("a") == OLD
        other.execute("ROLLBACK")
    assert backend.put(Record("a", 2, 1, "{}", b"new")) is True


def test_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with disks.full(tmp_path / "disk") as disk:
        path = disk.folder / "home" / "store.db"
        with closing(SQLiteBackend(path)) as backend:
            backend.put(OLD)
        disk.spoil()
        done = subprocess.run(
            [sys.executable, "-c", WRITER, str(path)],
            preexec_fn=disk.before,
            capture_output=True,
            text=True,
            check=True,
        )
        assert re.fullmatch(r"StoreUnavailable: the store .* (full|can't be .*)\n", done.stdout)
        disk.mend()
        with closing(SQLiteBackend(path)) as backend:
            assert backend.get("a") == OLD
            assert backend.put(Record("a", 2, 1, "{}", b"new")) is True


WRITER = """
import sys
from pathlib import Path
from vestal.core.errors import VestalError
from vestal.stores.record import Record
from vestal.stores.sqlite import SQLiteBackend
try:
    print(SQLiteBackend(Path(sys.argv[1])).put(Record("a", 2, 1, "{}", b"x" * 500_000)))
except VestalError as error:
    print(f"{type(error).__name__}: {error.message}")
"""


# The schema


def test_an_older_schema_is_migrated_with_its_data(opened: Open, path: Path) -> None:
    opened(migrations=MIGRATIONS[:1]).put(OLD)
    assert by_hand(path, "PRAGMA user_version") == [(1,)]
    backend = opened(migrations=NEXT)
    assert backend.get("a") == OLD
    assert backend.put(Record("a", 2, 1, "{}", b"new")) is True
    assert by_hand(path, "PRAGMA user_version", "SELECT note FROM credentials") == [(len(NEXT),), ("none",)]


def test_a_migration_that_fails_changes_nothing(opened: Open, path: Path) -> None:
    opened().put(OLD)
    with pytest.raises(StoreUnavailable):
        opened(migrations=(*NEXT, "CREATE TABLE later (x); DROP TABLE nowhere")).names()
    assert by_hand(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert opened().get("a") == OLD


def test_a_newer_schema_is_refused(opened: Open, path: Path) -> None:
    opened(migrations=NEXT).put(OLD)
    with pytest.raises(ConfigError, match=f"schema {len(NEXT)}.*up to {len(MIGRATIONS)}") as caught:
        opened().get("a")
    assert "newer Vestal" in caught.value.remedy
    assert opened(migrations=NEXT).get("a") == OLD


MIGRATOR = """
import sys
from pathlib import Path
from tests.stores.test_sqlite import NEXT
from vestal.stores.sqlite import SQLiteBackend
backend = SQLiteBackend(Path(sys.argv[1]), migrations=NEXT)
print("ready", flush=True)
sys.stdin.readline()
print(backend.get("a").sealed, flush=True)
"""


def test_processes_that_migrate_at_once(opened: Open, path: Path) -> None:
    opened(migrations=MIGRATIONS[:1]).put(OLD)
    command = [sys.executable, "-c", MIGRATOR, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) for _ in range(2)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=60)[0] for worker in workers] == ["b'old'\n"] * 2
    assert by_hand(path, "PRAGMA user_version") == [(len(NEXT),)]
