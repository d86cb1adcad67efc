"""`Ledger`: small values that many workers change at once, such as what is left of a quota. A part of a store.

A value is JSON text and no secret. Losing the latest changes to a power failure costs little, since services tell what is
left with their next answer; losing them to a killed process is not allowed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from vestal.core.fork import Forked, tell

T = TypeVar("T")

Change = Callable[[str | None], tuple[str | None, T]]
"""From the present value (None: there is none) to the next one (None: leave it as it is) and what the caller wants."""


class Ledger(Protocol):
    """Values by key. Safe for use from any thread and process; every method may block on I/O.

    Raises `StoreUnavailable` for passing trouble and `ConfigError` for what a person must mend.
    """

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        """The values of those keys that have one."""

    def change(self, key: str, change: Change[T]) -> T:
        """Replace a value by what `change` makes of it, as one step: no other worker's change comes between.

        `change` is quick and does no I/O. It may be called again where the store can't hold others off. What it raises
        leaves the value as it was.
        """


class MemoryLedger(Forked):
    """Values in a dictionary: for the threads and tasks of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}
        tell(self)

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        """See `Ledger.read`."""
        with self._lock:
            return {key: self._values[key] for key in keys if key in self._values}

    def change(self, key: str, change: Change[T]) -> T:
        """See `Ledger.change`."""
        with self._lock:
            value, result = change(self._values.get(key))
            if value is not None:
                self._values[key] = value
            return result

    def in_child(self) -> None:
        """After a fork: a copy of the values, and nobody who changes them."""
        self._lock = threading.Lock()
