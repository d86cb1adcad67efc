"""Pull requests in bulk: the fetcher beside PyGithub used serially, at a stub of GitHub in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import github_serial
from bench.result import Column, Row, Section, Value, Verdict
from tests.github.stub.process import StubProcess
from vestal.services.github import GitHubAuthenticatedFetcher

REPOSITORY = "acme/widgets"
LATENCY = 0.05
"""Seconds before the stub answers anything."""

TIMES_FEWER = 10.0
NEXT_TO_NONE = 5
"""Points that a second run may take in all, however many pull requests there are, if nothing has changed: one for the list,
and one for each token, to see whose it is."""

_COLUMNS = [
    Column(key="pulls", heading="pull requests", format="{:,}"),
    Column(key="requests", heading="requests each", format="{:.2f}"),
    Column(key="points", heading="points each", format="{:.2f}"),
    Column(key="seconds", heading="ms each", format="{:,.1f}"),
]


@dataclass(frozen=True)
class Cost:
    """What a run took, in all."""

    pulls: int
    requests: int
    points: int
    seconds: float

    def row(self, name: str) -> Row:
        each = max(self.pulls, 1)
        values: dict[str, Value] = {
            "pulls": self.pulls,
            "requests": self.requests / each,
            "points": self.points / each,
            "seconds": self.seconds / each * 1000,
        }
        return Row(name=name, values=values)


def measure(quick: bool) -> Section:
    pulls = 30 if quick else 150
    since = datetime.now(UTC) - timedelta(days=36500)
    with TemporaryDirectory() as folder, StubProcess(pulls=pulls, latency=LATENCY) as stub:
        stub.call("configure", limits={"core": 100_000, "graphql": 100_000})
        tokens = [stub.call("add_pat", login=login) for login in ("alice", "bob", "carol")]
        archive = Path(folder) / "archive"

        def fetch() -> int:
            with GitHubAuthenticatedFetcher(tokens=tokens, base_url=stub.url, checkpoint_file=archive) as fetcher:
                return len(fetcher.fetch_prs_with_details(REPOSITORY, since=since))

        ours = _cost(stub, fetch)
        again = _cost(stub, fetch)
        serial = _cost(stub, lambda: len(github_serial.fetch(stub.url, tokens[0], REPOSITORY, since)))
    return Section(
        name="github",
        title=f"pull requests with all details, every answer {LATENCY * 1000:g} ms away",
        columns=_COLUMNS,
        rows=[ours.row("vestal"), again.row("vestal, once more"), serial.row("PyGithub, serially")],
        verdicts=_verdicts(ours, again, serial),
        notes=["All fetch the same: commits, reviews, review comments, files and check runs of every pull request."],
    )


def _cost(stub: StubProcess, run: Callable[[], int]) -> Cost:
    before = stub.call("state")
    started = time.perf_counter()
    pulls = run()
    seconds = time.perf_counter() - started
    after = stub.call("state")
    requests = after["requests"] - before["requests"]
    return Cost(pulls, requests, sum(after["cost"].values()) - sum(before["cost"].values()), seconds)


def _verdicts(ours: Cost, again: Cost, serial: Cost) -> list[Verdict]:
    assert ours.pulls == again.pulls == serial.pulls
    fewer = {
        "requests per pull request": (serial.requests, ours.requests),
        "quota points per pull request": (serial.points, ours.points),
        "time": (serial.seconds, ours.seconds),
    }
    verdicts = [
        Verdict(
            target=f"{what}: at least {TIMES_FEWER:g} times less than PyGithub, serially",
            measured=f"{theirs / mine:.1f} times",
            met=theirs >= TIMES_FEWER * mine,
        )
        for what, (theirs, mine) in fewer.items()
    ]
    return [
        *verdicts,
        Verdict(
            target=f"a second run with nothing changed: at most {NEXT_TO_NONE} points in all",
            measured=str(again.points),
            met=again.points <= NEXT_TO_NONE,
        ),
    ]
