"""The memory store: for tests, and for programs that keep nothing."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from vestal.core.errors import TimedOut
from vestal.core.fork import Forked, tell
from vestal.core.ledger import Ledger, MemoryLedger
from vestal.stores.record import Record


class MemoryBackend(Forked):
    """Records in a dictionary; leases between the threads of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._leases: dict[str, threading.Lock] = {}
        self._ledger = MemoryLedger()
        tell(self)

    def get(self, name: str) -> Record | None:
        """See `Backend.get`."""
        return self._records.get(name)

    def put(self, record: Record) -> bool:
        """See `Backend.put`."""
        with self._lock:
            stored = self._records.get(record.name)
            revision, version = (0, 0) if stored is None else (stored.revision, stored.version)
            if revision != record.revision - 1 or record.version < version:
                return False
            self._records[record.name] = record
            return True

    def delete(self, name: str) -> bool:
        """See `Backend.delete`."""
        with self._lock:
            return self._records.pop(name, None) is not None

    def names(self) -> list[str]:
        """See `Backend.names`."""
        with self._lock:
            return sorted(self._records)

    def records(self) -> Iterator[Record]:
        """See `Backend.records`."""
        with self._lock:
            records = sorted(self._records.items())
        return iter([record for _, record in records])

    def revisions(self, after: str = "", limit: int = 1000) -> list[tuple[str, int]]:
        """The first `limit` names behind `after`, sorted, with their revisions."""
        with self._lock:
            found = ((name, record.revision) for name, record in self._records.items() if name > after)
            return heapq.nsmallest(limit, found)

    def outlines(self, names: Sequence[str]) -> list[tuple[str, int, str]]:
        """Name, revision and readable part of those of these records that there are."""
        with self._lock:
            records = [self._records[name] for name in names if name in self._records]
        return [(record.name, record.revision, record.public) for record in records]

    @contextmanager
    def lease(self, name: str, timeout: float) -> Iterator[None]:
        """See `Backend.lease`."""
        lease = self._lease(name)
        if not lease.acquire(timeout=timeout):
            raise TimedOut(
                f"another worker has held the lease for {timeout:g} s", credential=name, remedy="wait, then try again"
            )
        try:
            yield
        finally:
            lease.release()

    def leased(self, name: str) -> bool:
        """See `Backend.leased`."""
        return self._lease(name).locked()

    @property
    def ledger(self) -> Ledger:
        """See `Backend.ledger`."""
        return self._ledger

    def close(self) -> None:
        """Nothing to release."""

    def _lease(self, name: str) -> threading.Lock:
        with self._lock:
            return self._leases.setdefault(name, threading.Lock())

    def in_child(self) -> None:
        """After a fork: a copy of the records, and nobody who holds a lease."""
        self._lock = threading.Lock()
        self._leases = {}
