"""The fetcher while a repository lives: what changes during a run, and between runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.github.fetcher_truth import ALL, BEGINNING, fetcher, truth, when
from tests.github.stub.records import CheckRun, PullRequest
from tests.github.stub.server import Stub
from vestal.services.github.prs.incomplete import IncompleteFetch

NAME = "acme/widgets"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(pulls=150) as stub:
        yield stub


def once(step: str, change: Callable[[], object], after: int = 1) -> Callable[[str, int, int, str], None]:
    """A progress callback that changes the world in the middle of a run."""
    left = [after]

    def callback(now: str, current: int, total: int, message: str) -> None:
        if now == step:
            left[0] -= 1
            if left[0] == 0:
                change()

    return callback


def closed(pull: PullRequest) -> bool:
    return pull.state == "closed" and not pull.draft


@pytest.mark.parametrize(("step", "after"), [("listing", 1), ("fetching", 1), ("fetching", 4)])
def test_what_changes_during_a_run_is_as_it_is_now(stub: Stub, step: str, after: int) -> None:
    def change() -> None:
        for number in (3, 71, 149):
            stub.change_pull(NAME, number, title=f"New title {number}")
        stub.add_pull(NAME, "Opened meanwhile")

    with fetcher(stub, progress_callback=once(step, change, after)) as fetching:
        found = fetching.fetch_prs_with_details(NAME, **ALL)
    assert len(found) == 151
    assert list(found) == truth(stub)


def test_what_changes_in_every_round_does_not_keep_a_run_from_its_end(stub: Stub) -> None:
    def callback(step: str, current: int, total: int, message: str) -> None:
        if step == "fetching":
            stub.change_pull(NAME, 71, title=f"At {current}")

    with fetcher(stub, progress_callback=callback) as fetching:
        found = fetching.fetch_prs_with_details(NAME, **ALL)
    assert found.complete
    assert [one.number for one in found] == [one.number for one in truth(stub)]


def test_what_is_no_longer_asked_for_is_left_out(stub: Stub) -> None:
    """Reopened, turned into a draft, moved behind `until`: after the listing saw them."""
    repository = stub.world.repository(NAME)
    done = [number for number, pull in repository.pulls.items() if closed(pull)]
    until = when(stub.clock.now())
    stub.advance(10)

    def change() -> None:
        stub.change_pull(
            NAME, done[0], state="open", merged_at=None, closed_at=None, updated_at=int(until.timestamp()) - 1
        )
        stub.change_pull(NAME, done[1], draft=True, updated_at=int(until.timestamp()) - 1)
        stub.change_pull(NAME, done[2], title="Changed too late")

    with fetcher(stub, progress_callback=once("listing", change)) as fetching:
        found = fetching.fetch_prs_with_details(NAME, BEGINNING, until)
    assert list(found) == truth(stub, wanted=lambda pull: closed(pull) and when(pull.updated_at) < until)
    assert not {done[0], done[1], done[2]} & {one.number for one in found}


def test_max_prs_is_met_though_some_listed_ones_are_not_wanted_after_all(stub: Stub) -> None:
    newest = [one.number for one in truth(stub, wanted=closed)][:5]

    def change() -> None:
        for number in newest:
            stub.change_pull(NAME, number, draft=True, updated_at=1_700_000_000)

    with fetcher(stub, progress_callback=once("listing", change)) as fetching:
        found = fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=30)
    assert list(found) == truth(stub, wanted=closed)[:30]


def test_a_second_run_costs_one_point_if_nothing_has_changed(stub: Stub, tmp_path: Path) -> None:
    for pull in stub.world.repository(NAME).pulls.values():
        pull.check_runs = [run for run in pull.check_runs if run.status == "completed"]
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        first = fetching.fetch_prs_with_details(NAME, **ALL)
        second = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(first) == list(second) == truth(stub)
    assert (second.requests, second.points) == (1, 1)
    assert second.complete


def test_a_second_run_fetches_what_has_changed(stub: Stub, tmp_path: Path) -> None:
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        first = fetching.fetch_prs_with_details(NAME, BEGINNING)
        stub.advance(100)
        reopened, changed, opened = [number for number in stub.world.repository(NAME).pulls if number in _of(first)][:3]
        stub.change_pull(NAME, reopened, state="open", merged_at=None, closed_at=None)
        stub.change_pull(NAME, changed, title="ABC-12: another title")
        stub.change_pull(NAME, opened, draft=True)
        second = fetching.fetch_prs_with_details(NAME, BEGINNING)
    assert list(second) == truth(stub, wanted=closed)
    assert len(second) == len(first) - 2
    assert second.points < 30


def test_a_change_that_shows_late_is_not_missed(stub: Stub, tmp_path: Path) -> None:
    """It is dated before the newest one that was listed already."""
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        first = fetching.fetch_prs_with_details(NAME, **ALL)
        stub.change_pull(NAME, 71, title="Late", updated_at=int(first[0].updated_at.timestamp()) - 5)
        second = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(second) == truth(stub)


def test_a_second_run_fills_up_what_max_prs_leaves_room_for(stub: Stub, tmp_path: Path) -> None:
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        first = fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=20)
        stub.advance(100)
        for one in first[:5]:
            stub.change_pull(NAME, one.number, draft=True)
        second = fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=20)
    assert list(second) == truth(stub, wanted=closed)[:20]


@pytest.mark.parametrize("step", ["listing", "fetching"])
def test_max_prs_is_met_though_one_is_reopened_while_the_run_goes_on(stub: Stub, step: str) -> None:
    newest = [one.number for one in truth(stub, wanted=closed)][:10]

    def change() -> None:
        stub.advance(5)
        stub.change_pull(NAME, newest[3], state="open", merged_at=None, closed_at=None)

    with fetcher(stub, progress_callback=once(step, change)) as fetching:
        found = fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=10)
    assert list(found) == truth(stub, wanted=closed)[:10]


def test_max_prs_is_met_though_the_run_that_has_to_fill_up_was_interrupted(stub: Stub, tmp_path: Path) -> None:
    """What it dropped before its end was known to be more than max_prs leaves room for."""
    file = tmp_path / "prs.db"
    with fetcher(stub, checkpoint_file=file) as fetching:
        first = fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=20)
    stub.advance(100)
    for one in first[:5]:
        stub.change_pull(NAME, one.number, state="open", merged_at=None, closed_at=None)
    stub.change_pull(NAME, first[9].number, title="Changed")
    outage = once("listing", lambda: stub.fault("bad_gateway", times=None, path="/"))
    with fetcher(stub, checkpoint_file=file, progress_callback=outage) as fetching, pytest.raises(IncompleteFetch):
        fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=20)
    stub.clear_faults()
    with fetcher(stub, checkpoint_file=file) as fetching:
        found = fetching.fetch_prs_with_details(NAME, BEGINNING, max_prs=20)
    assert list(found) == truth(stub, wanted=closed)[:20]


def _of(found: list[Any]) -> set[int]:
    return {one.number for one in found}


def test_checks_that_were_under_way_are_looked_at_again(stub: Stub, tmp_path: Path) -> None:
    """GitHub does not bump `updated_at` for them."""
    pull = stub.world.repository(NAME).pulls[149]
    moment = int(stub.clock.now())
    pull.updated_at, pull.check_runs = moment, [CheckRun(1, "build", "in_progress", None, moment, None)]
    stub.world.repository(NAME).version += 1
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        fetching.fetch_prs_with_details(NAME, **ALL)
        stub.advance(600)
        pull.check_runs = [CheckRun(1, "build", "completed", "success", moment, moment + 300)]
        second = fetching.fetch_prs_with_details(NAME, **ALL)
    assert list(second) == truth(stub)
    assert next(one for one in second if one.number == 149).check_runs[0].conclusion == "success"


def test_the_default_window_moves_on(stub: Stub, tmp_path: Path) -> None:
    with fetcher(stub, checkpoint_file=tmp_path / "prs.db") as fetching:
        first = fetching.fetch_prs_with_details(NAME)
        stub.advance(20 * 86400)
        second = fetching.fetch_prs_with_details(NAME)
    edge = stub.clock.now() - 90 * 86400
    assert list(second) == truth(stub, wanted=lambda pull: closed(pull) and pull.updated_at >= edge)
    assert len(second) < len(first)
    assert second.requests <= 3
