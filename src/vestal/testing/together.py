"""Work in other threads, for contract suites."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

PATIENCE = 60.0
"""Seconds after which something is taken for stuck. Not a limit on how long it may take."""

THREADS = 8
_T = TypeVar("_T")


def together(work: Callable[[int], _T]) -> list[_T]:
    """What `work` gave in each of 8 threads that began at the same moment."""
    begin = threading.Barrier(THREADS)

    def begun(worker: int) -> _T:
        begin.wait(PATIENCE)
        return work(worker)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begun, range(THREADS), timeout=PATIENCE))


def elsewhere(work: Callable[[], _T]) -> _T:
    """What `work` gives in another thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result(PATIENCE)
