"""The ETag cache: an answer that has not changed costs no quota (304).

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api (use conditional requests)

Answers are kept by address and media type, whoever asked: the service says 304 only to a token that may see the answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vestal.core.fork import Forked, tell

LARGEST = 64 << 20
"""Bytes of answers that are kept in memory; the least recently used go first."""

KEPT_HEADERS = ("etag", "last-modified", "link", "content-type")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was."""

    etag: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class ETags(Protocol):
    """Where answers are kept. Safe for use from any thread; a failing one may forget, and never raises."""

    def get(self, url: str, accept: str) -> Kept | None:
        """The answer kept for an address and media type."""

    def put(self, url: str, accept: str, kept: Kept) -> None:
        """Keep an answer."""


class MemoryETags(Forked):
    """Answers in memory."""

    def __init__(self, largest: int = LARGEST) -> None:
        """`largest`: bytes in all."""
        self._largest = largest
        self._size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
        tell(self)

    def get(self, url: str, accept: str) -> Kept | None:
        """See `ETags.get`."""
        with self._lock:
            kept = self._kept.get((url, accept))
            if kept is not None:
                self._kept.move_to_end((url, accept))
            return kept

    def put(self, url: str, accept: str, kept: Kept) -> None:
        """See `ETags.put`."""
        if len(kept.body) > self._largest // 4:
            return
        with self._lock:
            old = self._kept.pop((url, accept), None)
            self._size += len(kept.body) - (len(old.body) if old else 0)
            self._kept[url, accept] = kept
            while self._size > self._largest:
                _, gone = self._kept.popitem(last=False)
                self._size -= len(gone.body)

    def in_child(self) -> None:
        """After a fork: a thread that held the lock, and was half-way through, is not here."""
        if self._lock.locked():
            self._kept, self._size = OrderedDict(), 0
        self._lock = threading.Lock()
