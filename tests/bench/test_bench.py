"""The bench works, with its peers and without: what it measures is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.child import Child
from bench.herd import Scenario, play
from bench.peers import OURS, PEERS
from bench.peers.peer import Peer
from bench.result import Column, Row, Section, Verdict
from bench.table import render
from bench.timing import interleaved, ratio

ROOT = Path(__file__).parents[2]
INSTALLED = [peer for peer in (OURS, *PEERS) if peer.installed() is not None]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("bench") / "result.json"
    command = [sys.executable, "-m", "bench", "hot_path", "command", "--quick", "--json", str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert f"written to {path}" in ended.stdout
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def rows(document: dict[str, Any], section: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in document["sections"][section]["rows"]}


def test_the_file_says_what_it_was_measured_on(document: dict[str, Any]) -> None:
    assert document["quick"] is True
    assert document["machine"]["python"] == sys.version.split()[0]
    assert document["machine"]["cpu"]
    assert document["packages"]["vestal"]


def test_the_hot_path_has_the_floor_vestal_and_every_peer(document: dict[str, Any]) -> None:
    measured = rows(document, "hot_path")
    assert list(measured) == ["the floor", "vestal", *(peer.name for peer in PEERS)]
    for name in ("the floor", *(peer.name for peer in INSTALLED)):
        values = measured[name]["values"]
        assert values["nanoseconds"] > 0
        assert values["per_second"] > 0
        assert len(values["nanoseconds_quartiles"]) == 2
    assert measured["the floor"]["values"]["ratio"] == 1
    for peer in {*PEERS}.difference(INSTALLED):
        assert measured[peer.name]["note"] == "not installed"
        assert measured[peer.name]["values"] == {}


def test_the_command_is_measured_against_the_interpreter(document: dict[str, Any]) -> None:
    measured = rows(document, "command")
    assert measured["python -c pass"]["values"]["ratio"] == 1
    assert measured["vestal token NAME"]["values"]["milliseconds"] > 0


def test_every_target_has_a_verdict(document: dict[str, Any]) -> None:
    verdicts = [verdict for section in document["sections"].values() for verdict in section["verdicts"]]
    assert len(verdicts) >= 3
    assert all(verdict["met"] in (True, False) for verdict in verdicts)


@pytest.mark.parametrize("peer", INSTALLED, ids=lambda peer: peer.name)
def test_a_single_caller_is_served(peer: Peer) -> None:
    """If it fails, a peer is not driven as it wants to be, and its numbers for a crowd would tell nothing."""
    with Child(peer.name) as child:
        child.hear()
        counts, errors = play(peer, Scenario("one", "one thread", "threads", 1), [child])
    assert counts == {"callers": 1, "presented": 1, "failed": 0, "revoked": 0}
    assert errors == {}


def test_an_unknown_section_is_refused() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "there are hot_path, hooks, herd, command" in ended.stderr


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that is slow in one round is slow for both."""
    assert ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == 2.0


@pytest.mark.parametrize("threads", [1, 3])
def test_rounds_are_interleaved(threads: int) -> None:
    seen: list[str] = []
    times = interleaved(
        {"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, turn=0.0002, rounds=4, threads=threads
    )
    assert [len(measured) for measured in times.values()] == [4, 4]
    turns = [name for name, before in zip(seen, ["", *seen], strict=False) if name != before]
    assert turns == ["a", "b"] * 5  # once to count the calls, then four rounds


def test_the_table_shows_numbers_words_gaps_and_verdicts() -> None:
    section = Section(
        name="speed",
        title="of things",
        columns=[Column(key="x", heading="x", format="{:.1f}"), Column(key="how", heading="how", text=True)],
        rows=[Row(name="one", values={"x": 12.345, "how": "well"}), Row(name="other", note="not installed")],
        verdicts=[
            Verdict(target="at most 3 x", measured="4 x", met=False),
            Verdict(target="at most 3 x", measured="2 x", met=True),
            Verdict(target="at most 3 x", measured="nothing", met=None),
        ],
    )
    assert render(section).splitlines() == [
        "",
        "speed: of things",
        "",
        "             x   how",
        "  one     12.3   well",
        "  other      -   -      not installed",
        "",
        "  target: at most 3 x - measured 4 x: NOT MET",
        "  target: at most 3 x - measured 2 x: met",
        "  target: at most 3 x - measured nothing: NOT MEASURED",
    ]
