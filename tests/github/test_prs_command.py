"""`vestal github prs` as real processes: what is in the file is the stub's world, once each, whatever happened."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.github.command import EVERYTHING, GitHubCLI, private_folder
from tests.github.fetcher_truth import truth
from tests.github.stub.generate import END
from tests.github.stub.server import Stub
from tests.services.github.prs.sinks.reading import read
from vestal.services.github.prs.sinks import FORMATS

PULLS = 180
SUFFIX = {"jsonl": "jsonl", "csv": "csv", "sqlite": "db", "parquet": "parquet"}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=PULLS) as stub:
        yield stub


@pytest.fixture
def cli(tmp_path: Path, stub: Stub) -> GitHubCLI:
    return GitHubCLI(private_folder(tmp_path / "home"), stub, "alice", "bob")


@pytest.mark.parametrize("name", FORMATS)
def test_two_kills_and_a_changing_world(name: str, tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / f"out.{SUFFIX[name]}"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    stub.configure(latency=0.05)
    for number, requests in enumerate((random.randint(4, 8), random.randint(4, 7))):
        assert cli.killed_after(requests, *command) == -signal.SIGKILL
        assert not out.exists()
        stub.change_pull("acme/widgets", 101 + number, title="Changed meanwhile")
        stub.add_pull("acme/widgets", title="New meanwhile")
    told = cli.github(*command)
    assert (told.code, told.err) == (0, ""), told
    assert told.out.startswith(f"{out}: {PULLS + 2} pull requests")
    assert read(out, name) == truth(stub)
    assert sorted(each.name for each in out.parent.iterdir()) == ["home", out.name, f"{out.name}.checkpoint"]


def test_a_kill_at_any_request(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    """The first runs are killed before, in and after each step; the last one ends."""
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    runs = 0
    while cli.killed_after(runs + 2, *command) != 0:
        runs += 1
        assert not out.exists()
        assert runs < 40
    assert runs >= 3
    assert read(out, "jsonl") == truth(stub)


def test_a_kill_costs_little(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    assert cli.killed_after(9, *command) == -signal.SIGKILL
    before = len(stub.log)
    assert cli.github(*command).code == 0
    resumed = len(stub.log) - before
    assert cli.github("prs", "acme/widgets", "--out", str(tmp_path / "afresh.jsonl"), *EVERYTHING).code == 0
    assert resumed < len(stub.log) - before - resumed


def test_nothing_new_costs_next_to_nothing_and_says_so(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    assert cli.github(*command, "--json").json["changed"] is True
    stamp = out.stat().st_mtime_ns
    told = cli.github(*command)
    assert "nothing has changed" in told.out
    assert out.stat().st_mtime_ns == stamp
    again = cli.github(*command, "--json").json
    assert again["changed"] is False
    assert again["repositories"][0]["points"] <= 5
    stub.change_pull("acme/widgets", 7, title="Changed")
    changed = cli.github(*command)
    assert "1 new or changed" in changed.out
    assert read(out, "jsonl") == truth(stub)


def test_the_window_and_the_choices(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    start, end = datetime.fromtimestamp(END - 300 * 86400, UTC), datetime.fromtimestamp(END - 40 * 86400, UTC)
    out = tmp_path / "out.csv"
    window = ("--since", start.isoformat(), "--until", end.isoformat())
    assert cli.github("prs", "acme/widgets", "-o", str(out), *window).code == 0
    found = read(out, "csv")
    within = truth(stub, wanted=lambda pull: start.timestamp() <= pull.updated_at < end.timestamp())
    assert found == [each for each in within if each.state != "open" and not each.is_draft]
    assert 10 < len(found) < PULLS
    told = cli.github("prs", "acme/widgets", "-o", str(out), *window, "--open", "--max", "7", "--patches")
    assert "fetched afresh, since include_open, with_patches, max_prs changed" in told.err
    patched = truth(stub, wanted=lambda pull: start.timestamp() <= pull.updated_at < end.timestamp(), patches=True)
    assert read(out, "csv") == [each for each in patched if not each.is_draft][:7]


def test_several_repositories_in_one_file(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.sqlite"
    told = cli.github("prs", "octocat/hello", "acme/widgets", "ACME/widgets", "-o", str(out), *EVERYTHING)
    assert f"{PULLS + 12} pull requests of 2 repositories" in told.out
    assert read(out, "sqlite") == truth(stub) + truth(stub, "octocat/hello")
    told = cli.github("prs", "octocat/hello", "-o", str(out), *EVERYTHING)
    assert "acme/widgets is not asked for any more" in told.err
    assert read(out, "sqlite") == truth(stub, "octocat/hello")


def test_exhausted_tokens_leave_what_says_that_it_is_partial(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out, partial = tmp_path / "out.jsonl", tmp_path / "out.jsonl.partial"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    for token in cli.tokens:
        stub.set_limit(stub.owner_of(token), "graphql", remaining=8)
    told = cli.github(*command).fails(
        4, "acme/widgets: ", "of 180 pull requests are here", "run the same command again"
    )
    assert f"{partial} is partial" in told.err
    assert not out.exists()
    there = {each.number for each in read(partial, "jsonl")}
    assert 0 < len(there) < PULLS
    for token in cli.tokens:
        stub.set_limit(stub.owner_of(token), "graphql", remaining=5000)
    other = GitHubCLI(private_folder(tmp_path / "other"), stub)  # whose books do not know of it
    other.environment["GITHUB_SEEDING_TOKENS"] = cli.environment["GITHUB_SEEDING_TOKENS"]
    assert other.github(*command).code == 0
    assert not partial.exists()
    assert read(out, "jsonl") == truth(stub)


def test_a_file_that_is_there_stays_when_other_options_end_early(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), "--since", "2000-01-01")
    assert cli.github(*command).code == 0
    before = out.read_bytes()
    for token in cli.tokens:
        stub.set_limit(stub.owner_of(token), "graphql", remaining=0)
    other = GitHubCLI(private_folder(tmp_path / "other"), stub)  # whose books do not know of it
    other.environment["GITHUB_SEEDING_TOKENS"] = cli.environment["GITHUB_SEEDING_TOKENS"]
    told = other.github(*command, "--open")
    assert told.code == 4
    note, error = told.err.splitlines()
    assert note == "vestal: acme/widgets: fetched afresh, since include_open changed"
    assert error.endswith(f"run the same command again to go on; {out} is still as it was)")
    assert out.read_bytes() == before
    for token in cli.tokens:
        stub.set_limit(stub.owner_of(token), "graphql", remaining=12)
    third = GitHubCLI(private_folder(tmp_path / "third"), stub)
    third.environment["GITHUB_SEEDING_TOKENS"] = cli.environment["GITHUB_SEEDING_TOKENS"]
    third.github(*command, "--open").fails(4, f"{out}.partial is partial and {out} is still as it was")
    assert out.read_bytes() == before


def test_with_wait_it_goes_on_after_the_reset(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.csv"
    for token in cli.tokens:
        stub.set_limit(stub.owner_of(token), "graphql", remaining=8, reset=int(stub.clock.now()) + 3)
    told = cli.github("prs", "acme/widgets", "--out", str(out), *EVERYTHING, "--wait")
    assert told.code == 0
    assert read(out, "csv") == truth(stub)


def test_a_moving_window_goes_on_with_the_one_it_began_with(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    days = (datetime.now(UTC) - datetime.fromtimestamp(END - 200 * 86400, UTC)).days
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), "--since", f"{days}d", "--open", "--drafts")
    stub.configure(latency=0.3)  # or it may have come to its end before the kill does
    assert cli.killed_after(7, *command) == -signal.SIGKILL
    stub.configure(latency=0)
    told = cli.github(*command, "--json")
    assert (told.code, told.err) == (0, "")
    assert told.json["repositories"][0]["resumed"] is True
    oldest = (datetime.now(UTC) - timedelta(days=days)).timestamp()
    assert read(out, "jsonl") == truth(stub, wanted=lambda pull: pull.updated_at >= oldest)


def test_ctrl_c_leaves_what_the_next_run_goes_on_from(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    stub.configure(latency=0.2)
    process = cli.start("github", *command)
    with process:
        while len(stub.log) < 8:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip() == f"vestal: {out} is not complete: run the same command again to go on"
    assert not out.exists()
    stub.configure(latency=0.0)
    assert cli.github(*command).code == 0
    assert read(out, "jsonl") == truth(stub)


def test_one_run_at_a_time(tmp_path: Path, stub: Stub, cli: GitHubCLI) -> None:
    out = tmp_path / "out.jsonl"
    command = ("prs", "acme/widgets", "--out", str(out), *EVERYTHING)
    stub.configure(latency=0.3)
    process = cli.start("github", *command)
    with process:
        while len(stub.log) < 5:
            assert process.poll() is None
        cli.github(*command).fails(2, "another run is writing to", "out.jsonl.checkpoint")
        process.kill()
        process.communicate()
