"""A store that is removed, replaced, or held by another process, while it is open here."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from vestal.core.errors import StoreUnavailable
from vestal.stores.record import Record
from vestal.stores.sqlite import SQLiteBackend


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[SQLiteBackend]:
    made = SQLiteBackend(tmp_path / "home" / "store.db", busy=0.5)
    made.put(record("first"))
    yield made
    made.close()


def record(name: str) -> Record:
    return Record(name, 1, 0, "{}", b"sealed")


def test_nothing_is_written_to_a_store_that_was_removed(backend: SQLiteBackend) -> None:
    """It would be written to a file that has no name any more, and be lost with the process."""
    away = backend.path.with_name("away")
    backend.path.rename(away)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="not there any more"):
            backend.put(record("second"))
        with pytest.raises(StoreUnavailable, match="not there any more"):
            backend.names()
    assert not backend.path.exists()
    away.rename(backend.path)
    assert backend.put(record("second"))
    assert backend.names() == ["first", "second"]


def test_a_store_that_was_replaced_is_opened_anew(backend: SQLiteBackend, tmp_path: Path) -> None:
    other = SQLiteBackend(tmp_path / "other" / "store.db")
    other.put(record("restored"))
    other.close()
    for side in ("-wal", "-shm"):
        backend.path.with_name(backend.path.name + side).unlink(missing_ok=True)
    other.path.rename(backend.path)
    assert backend.names() == ["restored"]
    beside = SQLiteBackend(backend.path)
    beside.put(record("beside"))  # in a WAL that the first connection must not remove
    backend.put(record("second"))
    backend.close()
    assert beside.names() == ["beside", "restored", "second"]
    beside.close()
    assert backend.names() == ["beside", "restored", "second"]


def test_threads_do_not_queue_for_a_store_that_another_process_holds(backend: SQLiteBackend) -> None:
    """Each waits as long as one may, not as long as all before it together."""
    other = sqlite3.connect(backend.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused: list[int] = []

    def write(number: int) -> None:
        with pytest.raises(StoreUnavailable, match="locked by another process"):
            backend.put(record(f"n{number}"))
        refused.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10  # one after the other they would take twenty seconds
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0))
    late = sum(thread.is_alive() for thread in threads)
    other.execute("ROLLBACK")
    other.close()
    for thread in threads:
        thread.join()
    assert late == 0
    assert len(refused) == 40
