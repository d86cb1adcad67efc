"""Tokens read from the daemon, against a bare Starlette application on the same server that says hello."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from bench.bare import HELLO, bare
from bench.daemon import daemon, home_with_token
from bench.good import NAME
from bench.load import Address, Answers, Load, Order
from bench.result import Column, Row, Section, Value, Verdict
from bench.timing import quartiles, ratio

TARGET = 0.7
CONNECTIONS = 16
ASK = f"POST /v1/credentials/{NAME}/token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n"

_COLUMNS = [
    Column(key="per_second", heading="answers/s", format="{:,.0f}"),
    Column(key="ratio", heading="x hello", format="{:.2f}"),
    Column(key="spread", heading="quartiles"),
    Column(key="processor", heading="CPU us", format="{:,.0f}"),
    Column(key="processor_ratio", heading="x hello", format="{:.2f}"),
    Column(key="alone", heading="alone, us", format="{:,.0f}"),
    Column(key="alone_slowest", heading="99th", format="{:,.0f}"),
]


@dataclass
class Contender:
    """A server that is asked, and what came of it, round by round."""

    name: str
    pid: int
    address: Address
    request: str
    base: str
    """Whose rounds its own are compared with."""
    seconds: list[float] = field(default_factory=list)
    """Per answer, many connections at once."""
    count: int = 0
    """Of those answers."""
    worked: float = 0.0
    """Seconds that the server had a processor for them."""
    alone: list[Answers] = field(default_factory=list)
    """With one connection."""
    share: float = 0.0
    """Of a processor that the load generator took."""

    @property
    def processor(self) -> float:
        """Seconds that the server worked for an answer."""
        return self.worked / self.count

    def play(self, load: Load, seconds: float) -> None:
        before = _worked(self.pid)
        answers = load.ask(Order(self.address, self.request, CONNECTIONS, seconds))
        self.worked += _worked(self.pid) - before
        self.count += answers.count
        self.seconds.append(seconds / answers.count)
        self.share = max(self.share, answers.processor / seconds)
        self.alone.append(load.ask(Order(self.address, self.request, 1, seconds / 4)))


def measure(quick: bool) -> Section:
    seconds, rounds = (0.2, 3) if quick else (0.3, 25)
    with TemporaryDirectory() as folder, ExitStack() as running:
        contenders = _contenders(Path(folder), running)
        load = running.enter_context(Load())
        for contender in contenders.values():
            load.ask(Order(contender.address, contender.request, CONNECTIONS, seconds))  # warm up
        for _ in range(rounds):
            for contender in contenders.values():
                contender.play(load, seconds)
    return Section(
        name="daemon_reads",
        title=f"tokens read from the daemon, {CONNECTIONS} connections at once; then one alone",
        columns=_COLUMNS,
        rows=[_row(each, contenders[each.base]) for each in contenders.values()],
        verdicts=[_verdict(each, contenders[each.base]) for each in contenders.values() if each.request != HELLO],
        notes=[
            "hello: a Starlette application with one route on the daemon's own server; 'as it comes': on uvicorn's.",
            "CPU us: that the server's process worked for an answer; it wavers less than the answers per second.",
            f"The load generator took up to {max(each.share for each in contenders.values()):.0%} of the other core.",
        ],
    )


def _contenders(folder: Path, running: ExitStack) -> dict[str, Contender]:
    key = home_with_token(folder / "home")
    ours = running.enter_context(daemon(folder / "home"))
    same = running.enter_context(bare(folder / "same.sock", "daemon"))
    plain = running.enter_context(bare(folder / "plain.sock", "uvicorn"))
    with_key = f"{ASK}Authorization: Bearer {key.reveal()}\r\n\r\n"
    socket, tcp = "hello, socket", "hello, TCP"
    made = [
        Contender(socket, same.pid, same.socket, HELLO, socket),
        Contender("a token, socket", ours.pid, ours.socket, f"{ASK}\r\n", socket),
        Contender(tcp, same.pid, same.tcp, HELLO, tcp),
        Contender("a token with a key, TCP", ours.pid, ours.tcp, with_key, tcp),
        Contender("hello as it comes, TCP", plain.pid, plain.tcp, HELLO, tcp),
    ]
    return {each.name: each for each in made}


def _worked(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _row(contender: Contender, base: Contender) -> Row:
    ratios = [theirs / mine for mine, theirs in zip(contender.seconds, base.seconds, strict=True)]
    lower, upper = quartiles(ratios)
    values: dict[str, Value] = {
        "per_second": 1 / median(contender.seconds),
        "ratio": median(ratios),
        "ratios": ratios,
        "spread": f"{lower:.2f}-{upper:.2f}",
        "processor": contender.processor * 1e6,
        "processor_ratio": base.processor / contender.processor,
        "alone": median(each.median for each in contender.alone) * 1e6,
        "alone_slowest": median(each.slowest_percent for each in contender.alone) * 1e6,
    }
    return Row(name=contender.name, values=values)


def _verdict(contender: Contender, base: Contender) -> Verdict:
    measured = ratio(base.seconds, contender.seconds)
    return Verdict(
        target=f"{contender.name}: at least {TARGET} x the answers per second of {base.name}",
        measured=f"{measured:.2f} x",
        met=measured >= TARGET,
    )
