"""`vestal token NAME` with a good token, as a whole process, against the interpreter alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.good import NAME, good_source
from bench.result import Column, Row, Section, Verdict
from bench.timing import quartiles, ratio

TARGET = 5.0
BARE, OURS, UNCACHED = "python -c pass", "vestal token NAME", "the same, compiled anew"

_COLUMNS = [
    Column(key="milliseconds", heading="ms", format="{:,.0f}"),
    Column(key="ratio", heading="x python", format="{:.1f}"),
]


class Failed(Exception):
    """A command did not do what it is for."""


@dataclass(frozen=True)
class Command:
    arguments: list[str]
    environment: dict[str, str]
    says: str


def measure(quick: bool) -> Section:
    trouble = ""
    with TemporaryDirectory() as folder, ExitStack() as resources:
        token = good_source(resources, Path(folder) / "home").token().access_token.reveal()
        times: dict[str, list[float]] = {}
        try:
            times = _alternating(_commands(Path(folder), token), rounds=7 if quick else 31)
        except Failed as failed:
            trouble = str(failed)
    return Section(
        name="command",
        title="whole processes, one after the other in turn",
        columns=_COLUMNS,
        rows=[_row(name, times) for name in times],
        verdicts=[_verdict(name, times) for name in times if name != BARE] or [_unknown(trouble)],
        notes=[
            "The console script of this environment, a token that needs no refresh, and bytecode cached as pip leaves it.",
            f"'{UNCACHED}', if it is there: PYTHONDONTWRITEBYTECODE is set here, and an editable install has no bytecode.",
        ],
    )


def _commands(folder: Path, token: str) -> dict[str, Command]:
    script = [str(Path(sys.executable).with_name("vestal")), "token", NAME]
    as_it_is = {**os.environ, "VESTAL_HOME": str(folder / "home")}
    cached = {**as_it_is, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    cached.pop("PYTHONDONTWRITEBYTECODE", None)
    commands = {
        BARE: Command([sys.executable, "-c", "pass"], cached, ""),
        OURS: Command(script, cached, token),
    }
    if sys.dont_write_bytecode:
        commands[UNCACHED] = Command(script, as_it_is, token)
    return commands


def _alternating(commands: dict[str, Command], rounds: int) -> dict[str, list[float]]:
    """Seconds of each run. The first round warms the caches and is not counted. Raises `Failed`."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            ended = subprocess.run(
                command.arguments, env=command.environment, capture_output=True, text=True, check=False
            )
            taken = time.perf_counter() - start
            if ended.returncode or ended.stdout.strip() != command.says:
                raise Failed(f"`{name}` ended with {ended.returncode}: {ended.stderr.strip()[-500:]}")
            if number:
                times[name].append(taken)
    return times


def _row(name: str, times: dict[str, list[float]]) -> Row:
    return Row(
        name=name,
        values={
            "milliseconds": median(times[name]) * 1e3,
            "milliseconds_quartiles": [seconds * 1e3 for seconds in quartiles(times[name])],
            "ratio": ratio(times[name], times[BARE]),
        },
    )


def _verdict(name: str, times: dict[str, list[float]]) -> Verdict:
    measured = ratio(times[name], times[BARE])
    return Verdict(target=f"{name}: at most {TARGET} x {BARE}", measured=f"{measured:.1f} x", met=measured <= TARGET)


def _unknown(trouble: str) -> Verdict:
    return Verdict(target=f"{OURS}: at most {TARGET} x {BARE}", measured=trouble, met=None)
