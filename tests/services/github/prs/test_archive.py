from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.services.github.prs.made import START, WIDGETS, at, listed, record, running
from vestal.core.errors import ConfigError, UnexpectedError
from vestal.services.github.prs.archive import Archive, Resume
from vestal.services.github.prs.archive_file import ArchiveFile
from vestal.services.github.prs.options import FetchOptions
from vestal.testing.clock import FakeClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl.checkpoint"


def numbers(archive: Archive) -> list[int]:
    return [each.number for each in archive.records()]


def finished(path: Path | None, *wanted: int) -> Archive:
    """An archive whose run came to its end."""
    archive = Archive(path)
    archive.begin(WIDGETS)
    archive.list([listed(number) for number in wanted], None, True)
    archive.put([record(number) for number in wanted])
    archive.complete()
    return archive


def test_a_run_from_its_beginning_to_its_end() -> None:
    with Archive(None) as archive:
        assert archive.status().state == "new"
        assert archive.begin(WIDGETS) == Resume()
        assert archive.status().state == "interrupted"
        archive.list([listed(5), listed(4)], "page2", False)
        archive.list([listed(3)], None, True)
        assert archive.counts() == (0, 3)
        assert archive.wanted(2) == [listed(5), listed(4)]
        archive.put([record(4), record(5)])
        assert archive.wanted(9) == [listed(3)]
        archive.drop([3])
        assert archive.wanted(9) == []
        assert archive.counts() == (2, 2)
        assert list(archive.records()) == [record(5), record(4)]
        archive.complete()
        assert archive.status().state == "complete"


def test_the_file_is_private_and_nobody_else_may_write_it(path: Path) -> None:
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        archive.put([record(1)])
        assert {each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {0o600}
        with pytest.raises(ConfigError, match="another run"):
            Archive(path)
        run = subprocess.run([sys.executable, "-c", WRITER, path], capture_output=True, text=True)
        assert "another run is writing to" in run.stderr
    Archive(path).close()


def test_what_is_not_begun_has_no_part() -> None:
    with Archive(None) as archive, pytest.raises(UnexpectedError):
        archive.wanted(1)


def test_an_interrupted_run_goes_on_where_it_was(path: Path) -> None:
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        archive.list([listed(5), listed(4)], "page2", False)
        archive.put([record(5)])
        archive.interrupted("all tokens are exhausted")
        status = archive.status()
        assert (status.state, status.reason) == ("interrupted", "all tokens are exhausted")
    with Archive(path) as archive:
        assert archive.unfinished("ACME/widgets") == WIDGETS
        resume = archive.begin(WIDGETS)
        assert resume == Resume("page2", False, None, newly=False)
        assert archive.wanted(9) == [listed(4)]
        archive.list([listed(3)], None, True)
        assert archive.wanted(9) == [listed(4), listed(3)]
    with Archive(path) as archive:
        assert archive.begin(WIDGETS).listing_done


def test_after_a_complete_run_comes_an_update(path: Path) -> None:
    finished(path, 5, 4, 3).close()
    with Archive(path) as archive:
        assert archive.unfinished("acme/widgets") is None
        assert archive.begin(WIDGETS) == Resume(None, False, at(5), newly=False)
        archive.list([listed(6), listed(4, 5.5), listed(5)], None, True)
        assert archive.wanted(9) == [listed(6), listed(4, 5.5)]
        archive.put([record(6), record(4, 5.5)])
        archive.complete()
        assert numbers(archive) == [6, 4, 5, 3]
        assert archive.begin(WIDGETS).high_water == at(6)
        archive.list([], None, True)
        archive.complete()
        assert archive.begin(WIDGETS).high_water == at(6)


@pytest.mark.parametrize(
    "other",
    [
        replace(WIDGETS, since=START - timedelta(days=1)),
        replace(WIDGETS, since=None),
        replace(WIDGETS, until=at(99)),
        replace(WIDGETS, include_open=True),
        replace(WIDGETS, with_patches=True),
        replace(WIDGETS, max_prs=2),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_other_options_begin_afresh(path: Path, other: FetchOptions, complete: bool) -> None:
    archive = finished(path, 5)
    if not complete:
        archive.begin(WIDGETS)
    archive.close()
    with Archive(path) as archive:
        resume = archive.begin(other)
        assert resume.newly
        assert "fetched afresh" in resume.note
        assert archive.counts() == (0, 0)


def test_another_repository_begins_afresh_unless_the_file_is_shared(path: Path) -> None:
    finished(path, 5).close()
    other = FetchOptions("acme/secret")
    with ArchiveFile(path) as file:
        shared = Archive(file)
        assert shared.begin(other) == Resume()
        shared.put([record(5, github_repo="acme/secret")])
        shared.close()
        assert [number for number, _ in file.stored_after(0)] == [1, 2]
        first = Archive(file)
        first.begin(WIDGETS)
        assert list(first.records()) == [record(5)]
        epoch = file.epoch
        assert file.keep_only(["ACME/Secret"]) == ["acme/widgets"]
        assert file.epoch > epoch
        assert [number for number, _ in file.stored_after(0)] == [2]
    with Archive(path) as archive:
        assert "acme/secret was in the checkpoint" in archive.begin(WIDGETS).note
        assert archive.counts() == (0, 0)


def test_the_window_of_a_complete_run_may_move_on(path: Path) -> None:
    archive = finished(path, 5, 1)
    archive.begin(replace(WIDGETS, since=at(2)))
    assert numbers(archive) == [5]
    archive.interrupted("x")
    assert archive.unfinished("acme/widgets") == replace(WIDGETS, since=at(2))
    assert not archive.begin(replace(WIDGETS, since=at(2))).newly
    assert archive.begin(replace(WIDGETS, since=at(3))).newly, "which are listed already is not known"
    archive.close()


def test_a_damaged_file_is_moved_aside(path: Path) -> None:
    for content in (b"SQLite format 3\0 and then rubbish" * 200, b"rubbish" * 500):
        path.write_bytes(content)
        with Archive(path) as archive:
            note = archive.begin(WIDGETS).note
            assert "was damaged" in note
        assert path.with_name(path.name + ".corrupt").exists()
    assert path.with_name(path.name + ".corrupt.2").read_bytes() == b"rubbish" * 500


@pytest.mark.parametrize("kept", [0, 100, 4096])
def test_the_log_of_a_damaged_file_is_not_played_into_the_new_one(path: Path, kept: int) -> None:
    """As after a kill: the log is still there."""
    log = path.with_name(path.name + "-wal")
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        archive.put([record(number) for number in range(1, 60)])
        database, pages = path.read_bytes(), log.read_bytes()
        assert len(pages) > 100_000
    path.write_bytes(database[:kept] + b"rubbish" * 1000)
    log.write_bytes(pages[: len(pages) // 2])
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        assert numbers(archive) == []
        archive.put([record(1)])
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        assert list(archive.records()) == [record(1)]


def test_a_damaged_page_is_found(path: Path) -> None:
    archive = finished(path, *range(1, 60))
    archive.close()
    with path.open("r+b") as file:
        for page in range(3, path.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)
    with Archive(path) as archive:
        assert "was damaged" in archive.begin(WIDGETS).note


def test_databases_of_others_are_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(ConfigError, match="another program's"):
        Archive(path)
    path.unlink()
    Archive(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ConfigError, match="schema 99"):
        Archive(path)


def test_a_place_that_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Archive(tmp_path / "missing" / "x")


def test_a_record_newer_than_its_listing_is_done_and_an_older_one_is_fetched_by_the_next_run(path: Path) -> None:
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        archive.list([listed(5), listed(4)], None, True)
        archive.put([record(5, 9), record(4, 3)])  # the second one from a server that lags behind
        assert archive.wanted(9) == []
        archive.complete()
        archive.begin(WIDGETS)
        assert [each.number for each in archive.wanted(9)] == [4]
        archive.list([listed(5)], None, True)
        assert [each.number for each in archive.wanted(9)] == [4]


def test_unfinished_check_runs_are_looked_at_again_until_they_can_not_change() -> None:
    clock = FakeClock(at(6).timestamp())
    with Archive(None, clock=clock) as archive:
        archive.begin(WIDGETS)
        archive.list([listed(5), listed(4)], None, True)
        archive.put([running(5), record(4)])
        archive.list([listed(5)], None, True)
        assert archive.wanted(9) == [], "once in a run is enough"
        archive.complete()
        archive.begin(WIDGETS)
        assert archive.wanted(9) == [listed(5)]
        clock.advance(20 * 86400)
        archive.put([running(5)])
        archive.complete()
        archive.begin(WIDGETS)
        archive.list([listed(5), listed(4)], None, True)
        assert archive.wanted(9) == []


@pytest.mark.parametrize(("later", "again"), [(0.0, True), (4.0, True), (6.0, False)])
def test_what_was_fetched_in_the_second_of_a_change_is_looked_at_again(later: float, again: bool) -> None:
    """`updated_at` counts whole seconds: a second change within one leaves it as it is."""
    clock = FakeClock(record(5).updated_at.timestamp() + later)
    with Archive(None, clock=clock) as archive:
        for wanted in (True, again):
            archive.begin(WIDGETS)
            archive.list([listed(5)], None, True)
            assert bool(archive.wanted(9)) == wanted
            archive.put([record(5)])
            archive.complete()
            clock.advance(3600)


def test_the_order_of_storing_is_numbered_and_what_is_replaced_moves_to_the_end() -> None:
    with Archive(None) as archive:
        archive.begin(WIDGETS)
        archive.put([record(1), record(2)])
        archive.put([record(1)])
        assert [(seq, each.number) for seq, each in archive.since_seq(0)] == [(1, 1), (2, 2)]
        generation = archive.file.generation
        archive.put([record(1, 8)])
        assert [(seq, each.number) for seq, each in archive.since_seq(1)] == [(2, 2), (3, 1)]
        assert archive.file.generation > generation


def test_more_than_a_page_is_read_in_order_while_others_write() -> None:
    with Archive(None) as archive:
        archive.begin(WIDGETS)
        archive.put([record(number, number // 7) for number in range(1, 251)])
        seen = []
        for each in archive.records():
            seen.append(each)
            archive.put([record(each.number, 1000 + each.number)])
        assert seen == sorted(seen, key=lambda each: (each.updated_at, each.number), reverse=True)
        assert {each.number for each in seen} == set(range(1, 251))
        assert [seq for seq, _ in archive.since_seq(0)] == list(range(251, 501))


def test_the_ones_updated_last_are_kept_of_an_update() -> None:
    options = replace(WIDGETS, max_prs=2)
    with Archive(None) as archive:
        archive.begin(options)
        archive.put([record(1), record(2)])
        archive.complete()
        archive.begin(options)
        archive.put([record(3)])
        archive.complete()
        assert numbers(archive) == [3, 2]


def test_half_a_character_is_no_obstacle() -> None:
    with Archive(None) as archive:
        archive.begin(WIDGETS)
        archive.put([record(1, title="cut \ud83d", body="whole \U0001f389")])
        (found,) = archive.records()
        assert (found.title, found.body) == ("cut \ufffd", "whole \U0001f389")


def test_threads_may_store_at_once(path: Path) -> None:
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        archive.list([listed(number) for number in range(80)], None, True)
        threads = [
            threading.Thread(target=archive.put, args=([record(number), record(number + 40)],)) for number in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert archive.counts() == (80, 80)
        assert [seq for seq, _ in archive.since_seq(0)] == list(range(1, 81))


WRITER = """
import sys
from pathlib import Path
from tests.services.github.prs.made import WIDGETS, listed, record
from vestal.services.github.prs.archive import Archive
archive = Archive(Path(sys.argv[1]))
archive.begin(WIDGETS)
print("begun", flush=True)
while wanted := archive.wanted(5):
    archive.put([record(each.number) for each in wanted])
    print(*(each.number for each in wanted), flush=True)
"""


def test_a_kill_loses_nothing_that_was_stored(path: Path) -> None:
    total = 1500
    with Archive(path) as archive:
        archive.begin(WIDGETS)
        archive.list([listed(number) for number in range(1, total + 1)], None, True)
    told: set[int] = set()
    for lines in (5, 40, 120):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        for _ in range(lines):
            told |= set(map(int, process.stdout.readline().split()))
        os.kill(process.pid, signal.SIGKILL)
        told |= {int(text) for line in process.stdout.read().splitlines()[:-1] for text in line.split()}
        process.wait()
        process.stdout.close()
        with Archive(path) as archive:
            archive.begin(WIDGETS)
            stored = {each.number for each in archive.records()}
            assert told <= stored
            assert stored | {each.number for each in archive.wanted(total)} == set(range(1, total + 1))
            assert archive.counts() == (len(stored), total)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["list", "put", "drop"]),
            st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), max_size=4),
        ),
        max_size=12,
    )
)
def test_it_keeps_what_a_dictionary_would(steps: list[tuple[str, list[tuple[int, int]]]]) -> None:
    stored: dict[int, int] = {}
    wanted: set[int] = set()
    with Archive(None) as archive:
        archive.begin(WIDGETS)
        for what, values in steps:
            if what == "list":
                archive.list([listed(number, hours) for number, hours in values], None, False)
                for number, hours in values:
                    (wanted.add if stored.get(number, -1) < hours else wanted.discard)(number)
            elif what == "put":
                archive.put([record(number, hours) for number, hours in values])
                stored.update(values)
                wanted -= {number for number, _ in values}
            else:
                archive.drop([number for number, _ in values])
                for number, _ in values:
                    stored.pop(number, None)
                    wanted.discard(number)
        assert {each.number for each in archive.wanted(99)} == wanted
        assert {each.number: each.updated_at for each in archive.records()} == {n: at(h) for n, h in stored.items()}


def test_a_run_that_had_room_for_no_more_says_so_to_the_next_one(path: Path) -> None:
    """And to the one after that, if the next one is killed: whatever it dropped."""
    for most, filled in ((2, True), (3, False), (None, False)):
        wanted = replace(WIDGETS, max_prs=most)
        with Archive(path) as archive:
            archive.begin(wanted)
            archive.put([record(1), record(2)])
            archive.complete()
        for _ in range(2):
            with Archive(path) as archive:
                assert archive.begin(wanted).filled is filled
                archive.drop([1])
