"""The hot path: `token()` while there is nothing to refresh, in one thread and in eight."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import time as now

from bench.good import LIFETIME
from bench.peers import OURS, PEERS
from bench.result import Column, Row, Section, Verdict
from bench.timing import Call, interleaved, quartiles, ratio

TARGET = 3.0
THREADS = 8
FLOOR = "the floor"

_COLUMNS = [
    Column(key="nanoseconds", heading="ns/call", format="{:,.0f}"),
    Column(key="ratio", heading="x floor", format="{:.1f}"),
    Column(key="per_second", heading=f"calls/s, {THREADS} threads", format="{:,.0f}"),
    Column(key="ratio_threads", heading="x floor", format="{:.1f}"),
    Column(key="call", heading="the call", text=True),
]


class Floor:
    """Nothing that gives a token only while it is good can do less: read an attribute, read the clock, compare."""

    def __init__(self, token: str, expires_at: float) -> None:
        self._token = token
        self._expires_at = expires_at

    def token(self) -> str:
        if now() < self._expires_at:
            return self._token
        raise AssertionError("the floor does not refresh")


def measure(quick: bool) -> Section:
    with TemporaryDirectory() as folder, ExitStack() as resources:
        contenders: dict[str, Call] = {FLOOR: Floor("a" * 43, now() + LIFETIME).token}
        for peer in (OURS, *PEERS):
            if peer.installed() is not None:
                contenders[peer.name] = peer.hot_path(resources, Path(folder) / peer.name)
        single = interleaved(contenders, turn=0.002 if quick else 0.01, rounds=15 if quick else 101)
        eight = interleaved(contenders, turn=0.02 if quick else 0.05, rounds=5 if quick else 31, threads=THREADS)
    return Section(
        name="hot_path",
        title="a token that is good, asked for again and again",
        columns=_COLUMNS,
        rows=_rows(single, eight),
        verdicts=_verdicts(single, eight),
        notes=[
            "Each peer by its cheapest call that checks the expiry, if it has one; x floor is the median over the rounds."
        ],
    )


def _rows(single: dict[str, list[float]], eight: dict[str, list[float]]) -> list[Row]:
    rows = [_row(FLOOR, "now() < expires_at", single, eight)]
    for peer in (OURS, *PEERS):
        if peer.name in single:
            rows.append(_row(peer.name, peer.call, single, eight, peer.note))
        else:
            rows.append(Row(name=peer.name, note="not installed"))
    return rows


def _row(name: str, call: str, single: dict[str, list[float]], eight: dict[str, list[float]], note: str = "") -> Row:
    return Row(
        name=name,
        note=note,
        values={
            "call": call,
            "nanoseconds": median(single[name]) * 1e9,
            "nanoseconds_quartiles": [seconds * 1e9 for seconds in quartiles(single[name])],
            "ratio": ratio(single[name], single[FLOOR]),
            "per_second": 1 / median(eight[name]),
            "per_second_quartiles": [1 / seconds for seconds in reversed(quartiles(eight[name]))],
            "ratio_threads": ratio(eight[name], eight[FLOOR]),
        },
    )


def _verdicts(single: dict[str, list[float]], eight: dict[str, list[float]]) -> list[Verdict]:
    verdicts = []
    for times, where in ((single, "1 thread"), (eight, f"{THREADS} threads")):
        ours = ratio(times[OURS.name], times[FLOOR])
        peers = {name: ratio(times[name], times[FLOOR]) for name in times if name not in (FLOOR, OURS.name)}
        target = f"at most {TARGET} x the floor, {where}"
        verdicts.append(Verdict(target=target, measured=f"{ours:.1f} x", met=ours <= TARGET))
        if peers:
            nearest = min(peers, key=lambda name: peers[name])
            verdicts.append(
                Verdict(
                    target=f"ahead of every peer, {where}",
                    measured=f"{ours:.1f} x, the nearest ({nearest}) {peers[nearest]:.1f} x",
                    met=ours < peers[nearest],
                )
            )
    return verdicts
