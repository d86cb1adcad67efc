"""What is SQLite's own of the ledger. What every ledger does is in the store contract."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.stores.ledger_sqlite import SQLiteLedger
from vestal.stores.record import Record
from vestal.stores.sqlite import SQLiteBackend


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SQLiteLedger]:
    with closing(SQLiteLedger(path, busy=0.05)) as ledger:
        yield ledger


def put(text: str) -> Callable[[str | None], tuple[str, str | None]]:
    return lambda value: (text, value)


def test_it_is_private_and_not_made_before_it_is_used(ledger: SQLiteLedger, path: Path) -> None:
    assert not path.parent.exists()
    umask = os.umask(0)
    try:
        ledger.change("a", put("1"))
    finally:
        os.umask(umask)
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["ledger.db", "ledger.db-wal", "ledger.db-shm"], 0o600)


def test_only_a_power_failure_may_take_a_change(ledger: SQLiteLedger) -> None:
    assert ledger._run(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (1,)  # NORMAL
    assert ledger._run(lambda db: db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


def test_a_locked_file(ledger: SQLiteLedger, path: Path) -> None:
    ledger.change("a", put("1"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match=r"ledger\.db is locked by another process"):
            ledger.change("a", put("2"))
        assert ledger.read(["a"]) == {"a": "1"}
        other.execute("ROLLBACK")
    assert ledger.change("a", put("2")) == "1"


def test_a_damaged_file_can_be_deleted(ledger: SQLiteLedger, path: Path) -> None:
    ledger.change("a", put("1"))
    ledger.close()
    path.write_bytes(b"garbage " * 2000)
    with pytest.raises(ConfigError, match="damaged or not a database") as caught:
        ledger.read(["a"])
    assert caught.value.remedy.startswith("delete it")
    path.unlink()
    assert ledger.read(["a"]) == {}


def test_credentials_are_another_program_s_data(ledger: SQLiteLedger, path: Path) -> None:
    with closing(SQLiteBackend(path)) as backend:
        backend.put(Record("a", 1, 1, "{}", b""))
    with pytest.raises(ConfigError, match="another program's database"):
        ledger.read(["a"])


def test_counting_does_not_wait_for_a_credential_to_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "home" / "store.db"
    with closing(SQLiteBackend(path, busy=0.05)) as backend:
        backend.put(Record("a", 1, 1, "{}", b""))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            backend.ledger.change("a", put("1"))
            assert backend.ledger.read(["a"]) == {"a": "1"}


FORKS = """
import os, sys, threading, warnings
from pathlib import Path
from vestal.stores.ledger_sqlite import SQLiteLedger
from vestal.testing.ledger_contract import count

warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads may deadlock, says Python: that is tested here
ledger = SQLiteLedger(Path(sys.argv[1]))
ledger.change("a", count)
stop = threading.Event()
done = []
def work():
    while not stop.is_set():
        done.append(ledger.change("a", count))
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        try:
            for _ in range(20):
                ledger.change("a", count)
            os._exit(0)
        finally:
            os._exit(1)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
for thread in threads:
    thread.join()
print(codes == [0] * 8, int(ledger.read(["a"])["a"]) == 1 + 8 * 20 + len(done))
"""


def test_children_count_while_threads_of_the_parent_do(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stderr, done.stdout) == ("", "True True\n")
