"""A request through each hook, against the bare client with the same header set by hand."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.clients import ASYNC, SYNC, Async, Get, GetAsync, Sync
from bench.good import good_source
from bench.origin import origin
from bench.result import Column, Row, Section, Verdict
from bench.timing import quartiles
from vestal.core.source import TokenSource

TARGET = 1.05
BLOCKS = 15
"""The requests are cut into so many blocks; the ratio is the median of theirs."""

_COLUMNS = [
    Column(key="bare", heading="bare, us", format="{:,.0f}"),
    Column(key="hooked", heading="hooked, us", format="{:,.0f}"),
    Column(key="ratio", heading="ratio", format="{:.3f}"),
    Column(key="spread", heading="quartiles"),
]

Times = tuple[list[float], list[float]]


def measure(quick: bool) -> Section:
    pairs = 150 if quick else 6000
    with TemporaryDirectory() as folder, ExitStack() as resources:
        url = resources.enter_context(origin())
        source = good_source(resources, Path(folder) / "home")
        times = {name: _sync(client, url, source, pairs) for name, client in SYNC.items()}
        times |= {name: asyncio.run(_async(client, url, source, pairs)) for name, client in ASYNC.items()}
    rows = [_row(name, *measured) for name, measured in times.items()]
    return Section(
        name="hooks",
        title="one request after the other on loopback, the bare client and the one with a hook in turn",
        columns=_COLUMNS,
        rows=rows,
        verdicts=[_verdict(row) for row in rows],
        notes=[f"Medians of {pairs:,} requests each; the ratio is the median over {BLOCKS} blocks of them."],
    )


def _sync(client: Sync, url: str, source: TokenSource, pairs: int) -> Times:
    with ExitStack() as stack:
        gets = client(stack, url, source)
        times: Times = [], []
        for number in range(-20, pairs):
            for at in _order(number):
                taken = _time(gets[at])
                if number >= 0:
                    times[at].append(taken)
        return times


async def _async(client: Async, url: str, source: TokenSource, pairs: int) -> Times:
    async with AsyncExitStack() as stack:
        gets = await client(stack, url, source)
        times: Times = [], []
        for number in range(-20, pairs):
            for at in _order(number):
                taken = await _time_async(gets[at])
                if number >= 0:
                    times[at].append(taken)
        return times


def _order(number: int) -> tuple[int, int]:
    """Bare first, then hooked first: whoever comes second finds warmer caches."""
    return (0, 1) if number % 2 else (1, 0)


def _time(get: Get) -> float:
    start = time.perf_counter()
    status = get()
    taken = time.perf_counter() - start
    assert status == 200
    return taken


async def _time_async(get: GetAsync) -> float:
    start = time.perf_counter()
    status = await get()
    taken = time.perf_counter() - start
    assert status == 200
    return taken


def _row(name: str, bare: list[float], hooked: list[float]) -> Row:
    size = len(bare) // BLOCKS
    blocks = [slice(start, start + size) for start in range(0, size * BLOCKS, size)]
    ratios = [median(hooked[block]) / median(bare[block]) for block in blocks]
    lower, upper = quartiles(ratios)
    return Row(
        name=name,
        values={
            "bare": median(bare) * 1e6,
            "hooked": median(hooked) * 1e6,
            "ratio": median(ratios),
            "ratios": ratios,
            "spread": f"{lower:.3f}-{upper:.3f}",
        },
    )


def _verdict(row: Row) -> Verdict:
    ratio = row.values["ratio"]
    assert isinstance(ratio, float)
    return Verdict(
        target=f"{row.name} at most {TARGET} x the bare client", measured=f"{ratio:.3f} x", met=ratio <= TARGET
    )
