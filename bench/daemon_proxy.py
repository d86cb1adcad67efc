"""The daemon's proxy against the same bytes straight from the service."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.bulk import bulk
from bench.daemon import At, Failed, daemon, home_with_token
from bench.good import NAME
from bench.load import Address, Load, Order
from bench.result import Column, Row, Section
from bench.timing import quartiles

CONNECTIONS = 16
SHORT, LONG = 1 << 10, 64 << 20
"""Bytes."""
_PIECE = bytes(1 << 20)

_COLUMNS = [
    Column(key="rate", heading="", format="{:,.0f}"),
    Column(key="unit", heading="", text=True),
    Column(key="ratio", heading="x the time", format="{:.2f}"),
    Column(key="spread", heading="quartiles"),
]


@dataclass(frozen=True)
class Way:
    """A way to the service."""

    name: str
    address: Address
    path: str
    headers: dict[str, str]

    def request(self, size: int) -> str:
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"GET {self.path}/{size} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n"


def measure(quick: bool) -> Section:
    rounds = 3 if quick else 15
    with TemporaryDirectory() as folder, ExitStack() as running:
        ways = _ways(Path(folder), running)
        load = running.enter_context(Load())
        size = LONG >> 4 if quick else LONG
        rows = [
            *_compared(
                f"GET of {SHORT >> 10} KiB",
                ways,
                rounds,
                lambda way: _short(load, way, 0.2 if quick else 0.5),
                lambda seconds: {"rate": 1 / seconds, "unit": "answers/s"},
            ),
            *_compared(f"GET of {size >> 20} MiB", ways, rounds, lambda way: _download(way, size), _speed(size)),
            *_compared(f"POST of {size >> 20} MiB", ways, rounds, lambda way: _upload(way, size), _speed(size)),
        ]
    return Section(
        name="daemon_proxy",
        title="the proxy against the same bytes straight from the service",
        columns=_COLUMNS,
        rows=rows,
        verdicts=[],
        notes=[
            f"The short ones: {CONNECTIONS} connections at once; the long ones: one after the other.",
            "Straight there are two processes at work, through the proxy three.",
        ],
    )


def _ways(folder: Path, running: ExitStack) -> list[Way]:
    port = running.enter_context(bulk())
    key = home_with_token(folder / "home", api_url=f"http://127.0.0.1:{port}")
    ours = running.enter_context(daemon(folder / "home"))
    path = f"/proxy/{NAME}/~"
    return [
        Way("straight", ("127.0.0.1", port), "", {"Authorization": "Bearer " + "a" * 43}),
        Way("through the socket", ours.socket, path, {}),
        Way("through TCP, with a key", ours.tcp, path, {"Authorization": f"Bearer {key.reveal()}"}),
    ]


def _compared(
    what: str,
    ways: list[Way],
    rounds: int,
    once: Callable[[Way], float],
    shown: Callable[[float], dict[str, float | str]],
) -> Iterator[Row]:
    times: dict[str, list[float]] = {way.name: [] for way in ways}
    for number in range(-1, rounds):
        for way in ways:
            seconds = once(way)
            if number >= 0:
                times[way.name].append(seconds)
    for name, mine in times.items():
        ratios = [one / straight for one, straight in zip(mine, times["straight"], strict=True)]
        lower, upper = quartiles(ratios)
        values = {
            **shown(median(mine)),
            "ratio": median(ratios),
            "ratios": ratios,
            "spread": f"{lower:.2f}-{upper:.2f}",
        }
        yield Row(name=f"{what}, {name}", values=values)


def _speed(size: int) -> Callable[[float], dict[str, float | str]]:
    return lambda seconds: {"rate": size / seconds / 1e6, "unit": "MB/s"}


def _short(load: Load, way: Way, seconds: float) -> float:
    """Seconds per answer."""
    return seconds / load.ask(Order(way.address, way.request(SHORT), CONNECTIONS, seconds)).count


def _download(way: Way, size: int) -> float:
    """Seconds until all is there."""
    return _timed(way, "GET", size, None)


def _upload(way: Way, size: int) -> float:
    """Seconds until the answer is there."""
    return _timed(way, "POST", 2, size)


def _timed(way: Way, method: str, expected: int, sent: int | None) -> float:
    connection = At(way.address)
    buffer = bytearray(1 << 20)
    try:
        connection.connect()
        began = time.perf_counter()
        if sent is None:
            connection.request(method, f"{way.path}/{expected}", headers=way.headers)
        else:
            pieces = (_PIECE for _ in range(sent // len(_PIECE)))
            connection.request(method, f"{way.path}/", pieces, {**way.headers, "Content-Length": str(sent)})
        answer = connection.getresponse()
        count = 0
        while read := answer.readinto(buffer):
            count += read
        if answer.status != 200 or count != expected:
            raise Failed(f"{way.name}: {answer.status} with {count} bytes for {method} of {expected}")
        return time.perf_counter() - began
    finally:
        connection.close()
