"""What the measurements of the daemon are made with; and, where there is time for it, that they work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import SECTIONS, chosen
from bench.bare import HELLO, bare
from bench.bulk import bulk
from bench.daemon import PAST, At, home_with_crowd
from bench.load import Address, Failed, Load, Order
from vestal.home import Home

ROOT = Path(__file__).parents[2]
OF_DAEMON = ["daemon_reads", "daemon_proxy", "daemon_start", "daemon_refresher"]


def test_several_sections_are_chosen_by_how_they_begin() -> None:
    assert chosen(["daemon"]) == OF_DAEMON
    assert chosen(["herd", "daemon_start", "daemon", "herd"]) == [
        "herd",
        "daemon_start",
        "daemon_reads",
        "daemon_proxy",
        "daemon_refresher",
    ]
    assert chosen([]) == list(SECTIONS)
    with pytest.raises(LookupError, match="'daem'"):
        chosen(["daem"])


@pytest.mark.parametrize("server", ["daemon", "uvicorn"])
def test_the_load_counts_answers_at_both_doors(tmp_path: Path, server: str) -> None:
    with bare(tmp_path / "bare.sock", server) as running, Load() as load:
        doors: list[Address] = [running.socket, running.tcp]
        for address in doors:
            answers = load.ask(Order(address, HELLO, connections=3, seconds=0.2))
            assert answers.count > 0
            assert answers.per_second == answers.count / 0.2
            assert 0 < answers.median <= answers.slowest_percent
            assert answers.processor > 0


def test_no_answer_but_200_counts(tmp_path: Path) -> None:
    with bare(tmp_path / "bare.sock", "uvicorn") as running, Load() as load:
        with pytest.raises(Failed, match="404 Not Found"):
            load.ask(Order(running.socket, HELLO.replace("/hello", "/nothing"), connections=3, seconds=5))
        with pytest.raises(Failed, match="No such file"):
            load.ask(Order(str(tmp_path / "nobody.sock"), HELLO, connections=3, seconds=5))
        assert load.ask(Order(running.socket, HELLO, connections=1, seconds=0.1)).count


@pytest.mark.parametrize("size", [0, 1, 1 << 10, (3 << 20) + 1])
def test_the_service_gives_and_takes_so_many_bytes(size: int) -> None:
    with bulk() as port:
        connection = At(("127.0.0.1", port))
        connection.request("GET", f"/{size}")
        assert len(connection.getresponse().read()) == size
        connection.request("POST", "/", bytes(size))
        assert connection.getresponse().read() == (b"\0\0" if size else b"")
        connection.close()


def test_a_crowd_is_of_credentials_that_can_be_used(tmp_path: Path) -> None:
    home_with_crowd(tmp_path / "home", 30)
    home = Home(tmp_path / "home")
    names = list(home.store.names())
    assert len(names) == 30
    found = home.store.load(names[-1])
    assert found is not None
    assert found.token is not None
    assert found.refresh_count == len(found.history) == PAST
    assert home.token(names[-1]) == found.token  # without asking anybody
    home.close()


@pytest.mark.slow
def test_all_that_is_told_of_the_daemon_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    command = [sys.executable, "-m", "bench", "daemon", "--quick", "--json", str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    sections = json.loads(path.read_text())["sections"]
    assert list(sections) == OF_DAEMON
    for section in sections.values():
        for row in section["rows"]:
            shown = [row["values"].get(column["key"]) for column in section["columns"]]
            assert all(value or value == 0 for value in shown), row
    assert len(sections["daemon_reads"]["verdicts"]) == 2
