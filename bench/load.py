"""Many clients that ask for the same again and again, in a process of its own: `python -m bench.load`.

Reads one order per line of JSON and says one line: how many answers there were in how many seconds, how long each took to
come, and what share of one processor it took itself. It parses no more of an answer than it must, so that the server is
what is measured.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Self

Address = str | tuple[str, int]
"""The path of a Unix socket, or host and port."""

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"


@dataclass(frozen=True)
class Order:
    address: Address
    request: str
    connections: int
    seconds: float


@dataclass(frozen=True)
class Answers:
    """What came in the time of an order."""

    count: int
    seconds: float
    processor: float
    """Seconds that the generator had a processor."""
    median: float
    """Seconds from a request to the end of its answer."""
    slowest_percent: float
    """The 99th percentile of them."""

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


class Failed(Exception):
    """A server gave another answer than 200, or cut the connection."""


class Load:
    """The process, seen from the one that gives it its orders."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, order: Order) -> Answers:
        """Raises `Failed`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(order)) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline() or '{"failed": "the load generator ended"}')
        if "failed" in said:
            raise Failed(said["failed"])
        return Answers(**said)


class _Turn:
    """What the clients of one order share."""

    def __init__(self, order: Order) -> None:
        self.request = order.request.encode("latin-1")
        self.taken: list[float] = []
        """Seconds of each answer."""
        self.until = 0.0
        self.left = order.connections
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ended(self) -> None:
        self.left -= 1
        if not self.left and not self.over.done():
            self.over.set_result(None)

    def failed(self, what: str) -> None:
        if not self.over.done():
            self.over.set_exception(Failed(what))


class _Client(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    def __init__(self, turn: _Turn) -> None:
        self._turn = turn
        self._received = b""
        self._needed = 0
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(self._turn.request)

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._needed:
            end = received.find(_END)
            if end < 0:
                return
            head = received[:end].lower()
            if not head.startswith(b"http/1.1 200 "):
                self._turn.failed(received[:200].decode("latin-1"))
                return
            length = head.index(_LENGTH) + len(_LENGTH)
            self._needed = end + len(_END) + int(head[length:].split(b"\r\n", 1)[0])
        if len(received) < self._needed:
            return
        self._received, self._needed = b"", 0
        now = time.perf_counter()
        if now < self._turn.until:
            self._turn.taken.append(now - self._asked)
            self.ask()
        else:
            self._turn.ended()

    def connection_lost(self, exc: Exception | None) -> None:
        self._turn.failed("the connection was cut")

    def close(self) -> None:
        self._transport.close()


async def _answers(order: Order) -> Answers:
    loop = asyncio.get_running_loop()
    turn = _Turn(order)
    clients: list[_Client] = []
    for _ in range(order.connections):
        if isinstance(order.address, str):
            _, client = await loop.create_unix_connection(lambda: _Client(turn), order.address)
        else:
            _, client = await loop.create_connection(lambda: _Client(turn), *order.address)
        clients.append(client)
    processor = time.process_time()
    turn.until = time.perf_counter() + order.seconds
    for client in clients:
        client.ask()
    await turn.over
    processor = time.process_time() - processor
    for client in clients:
        client.close()
    taken = turn.taken
    slowest = quantiles(taken, n=100)[98] if len(taken) > 1 else max(taken, default=0.0)
    return Answers(len(taken), order.seconds, processor, median(taken) if taken else 0.0, slowest)


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        address = told.pop("address")
        try:
            said = asdict(asyncio.run(_answers(Order(address if isinstance(address, str) else tuple(address), **told))))
        except (Failed, OSError) as failed:
            said = {"failed": str(failed)}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
