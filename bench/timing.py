"""Interleaved rounds: A B C, A B C, ..., so that what else the machine does falls on all alike."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from statistics import median, quantiles

Call = Callable[[], object]


def run(call: Call, calls: int) -> float:
    """Seconds for so many calls, in this thread."""
    start = time.perf_counter()
    for _ in repeat(None, calls):
        call()
    return time.perf_counter() - start


def run_in_threads(call: Call, calls: int, threads: int) -> float:
    """Seconds from the moment that all threads go until each of them has made so many calls."""
    gate = threading.Barrier(threads + 1)

    def work() -> None:
        gate.wait()
        run(call, calls)

    crowd = [threading.Thread(target=work) for _ in range(threads)]
    for thread in crowd:
        thread.start()
    gate.wait()
    start = time.perf_counter()
    for thread in crowd:
        thread.join()
    return time.perf_counter() - start


def calls_for(call: Call, seconds: float) -> int:
    """How many calls take about so long."""
    run(call, 10)  # warm up
    calls = 10
    while (taken := run(call, calls)) < seconds / 4:
        calls *= 2
    return max(int(calls * seconds / taken), 1)


def interleaved(
    contenders: Mapping[str, Call], *, turn: float, rounds: int, threads: int = 1
) -> dict[str, list[float]]:
    """Seconds per call and round of each contender. `turn`: seconds that one of them has in a round."""
    with no_garbage_collection():
        calls = {name: calls_for(call, turn / threads) for name, call in contenders.items()}
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, call in contenders.items():
                taken = run(call, calls[name]) if threads == 1 else run_in_threads(call, calls[name], threads)
                times[name].append(taken / (calls[name] * threads))
        return times


def ratio(times: list[float], base: list[float]) -> float:
    """The median, over the rounds, of how many times the base's time of the same round it was."""
    return median(mine / theirs for mine, theirs in zip(times, base, strict=True))


def quartiles(times: list[float]) -> list[float]:
    """The lower and the upper quartile: how much the machine wavered."""
    lower, _, upper = quantiles(times, n=4)
    return [lower, upper]


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """As `timeit` does it: a collection would fall on whoever's turn it is."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
