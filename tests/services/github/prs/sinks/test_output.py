from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.services.github.prs.made import WIDGETS, record
from tests.services.github.prs.sinks.reading import read
from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.services.github.prs.archive import Archive
from vestal.services.github.prs.archive_file import ArchiveFile
from vestal.services.github.prs.sinks import FORMATS, sink
from vestal.services.github.prs.sinks.output import Output

STREAMS = [name for name in FORMATS if sink(name).streams]


class Place:
    """A file that is asked for, with its checkpoint."""

    def __init__(self, folder: Path) -> None:
        self.out, self.partial = folder / "out", folder / "out.partial"
        self.checkpoint = folder / "out.checkpoint"
        self.open()

    def open(self) -> None:
        self.file = ArchiveFile(self.checkpoint)
        self.archive = Archive(self.file)
        self.archive.begin(WIDGETS)

    def close(self) -> None:
        self.file.close()

    def output(self, name: str = "jsonl", **options: bool) -> Output:
        return Output(self.out, name, self.file, **options)

    def numbers(self, name: str = "jsonl", path: Path | None = None) -> list[int]:
        return [each.number for each in read(path or self.out, name)]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


@pytest.mark.parametrize("name", STREAMS)
def test_it_grows_beside_its_name_and_gets_it_at_the_end(place: Place, name: str) -> None:
    output = place.output(name)
    place.archive.put([record(1), record(3)])
    output.catch_up()
    assert sorted(place.numbers(name, place.partial)) == [1, 3]
    place.archive.put([record(2)])
    output.catch_up()
    assert sorted(place.numbers(name, place.partial)) == [1, 2, 3]
    assert not place.out.exists()
    place.archive.complete()
    assert output.finish([place.archive])
    assert place.numbers(name) == [3, 2, 1]
    assert sorted(each.name for each in place.out.parent.iterdir() if "checkpoint" not in each.name) == ["out"]


def test_what_is_replaced_is_there_once_in_the_end(place: Place) -> None:
    output = place.output()
    place.archive.put([record(1), record(2)])
    output.catch_up()
    place.archive.put([record(1, 9)])
    place.archive.drop([2])
    output.catch_up()
    assert place.numbers(path=place.partial) == [1, 2, 1]
    place.archive.complete()
    output.finish([place.archive])
    assert read(place.out, "jsonl") == [record(1, 9)]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_new_touches_nothing_and_an_update_brings_what_is_new(place: Place, name: str) -> None:
    place.archive.put([record(1), record(2)])
    place.archive.complete()
    assert place.output(name).finish([place.archive])
    before = place.out.stat()
    place.archive.begin(WIDGETS)
    output = place.output(name)
    output.catch_up()
    assert not place.partial.exists()
    place.archive.complete()
    assert not output.finish([place.archive])
    assert place.out.stat() == before
    place.archive.begin(WIDGETS)
    place.archive.put([record(3)])
    output.catch_up()
    if name in STREAMS:
        assert place.numbers(name, place.partial) == [3]
    assert place.numbers(name) == [2, 1]
    place.archive.complete()
    assert output.finish([place.archive])
    assert place.numbers(name) == [3, 2, 1]


def test_a_file_that_was_removed_is_written_again(place: Place) -> None:
    place.archive.put([record(1)])
    place.archive.complete()
    place.output().finish([place.archive])
    place.out.unlink()
    assert place.output().finish([place.archive])
    assert place.numbers() == [1]


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("damage", ["gone", "shorter"])
def test_a_partial_file_that_is_not_good_begins_again(place: Place, name: str, damage: str) -> None:
    place.archive.put([record(1), record(2)])
    place.output(name).catch_up()
    place.partial.unlink()
    if damage == "shorter" and name != "sqlite":
        place.partial.write_bytes(b"x")
    output = place.output(name)
    place.archive.put([record(3)])
    output.catch_up()
    assert sorted(place.numbers(name, place.partial)) == [1, 2, 3]


def test_another_format_begins_again(place: Place) -> None:
    place.archive.put([record(1)])
    place.output("csv").catch_up()
    output = place.output("jsonl")
    output.catch_up()
    assert place.numbers(path=place.partial) == [1]
    place.archive.complete()
    output.finish([place.archive])
    assert place.output("csv").finish([place.archive])
    assert place.numbers("csv") == [1]


def test_other_options_begin_again(place: Place) -> None:
    place.archive.put([record(1)])
    output = place.output()
    output.catch_up()
    place.archive.begin(replace(WIDGETS, since=None))
    place.archive.put([record(2)])
    output.catch_up()
    assert place.numbers(path=place.partial) == [2]


def test_several_repositories_stand_in_their_order(place: Place) -> None:
    secret = Archive(place.file)
    secret.begin(replace(WIDGETS, repository="acme/secret"))
    secret.put([record(9, github_repo="acme/secret")])
    place.archive.put([record(1)])
    output = place.output()
    output.catch_up()
    assert sorted(place.numbers(path=place.partial)) == [1, 9]
    assert output.finish([place.archive, secret])
    assert place.numbers() == [1, 9]


def test_a_file_of_somebody_else_is_not_taken(place: Place) -> None:
    place.out.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        place.output()
    assert place.out.read_text() == "mine"
    place.output(over=True).finish([place.archive])
    assert place.out.read_text() == ""


def test_a_folder_is_no_file(place: Place) -> None:
    place.out.mkdir()
    with pytest.raises(ConfigError, match="is a folder"):
        place.output(over=True)


def test_the_mode_is_that_of_any_file(place: Place) -> None:
    mask = os.umask(0o027)
    try:
        place.output().finish([place.archive])
    finally:
        os.umask(mask)
    assert place.out.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_can_not_be_written_leaves_nothing_behind(place: Place, name: str) -> None:
    place.archive.put([record(1)])
    output = place.output(name)
    place.out.mkdir()
    with pytest.raises(StoreUnavailable, match="can't be written"):
        output.finish([place.archive])
    assert [each.name for each in place.out.parent.iterdir() if each.name.startswith(".")] == []


def test_a_damaged_checkpoint_does_not_make_the_file_a_stranger(place: Place) -> None:
    place.archive.put([record(1)])
    place.output().finish([place.archive])
    place.close()
    place.checkpoint.write_bytes(b"rubbish" * 1000)
    place.file = ArchiveFile(place.checkpoint)
    output = place.output()
    place.archive = Archive(place.file)
    place.archive.begin(WIDGETS)
    place.archive.put([record(2)])
    assert output.finish([place.archive])
    assert place.numbers() == [2]


class Rewound:
    """What a kill leaves: the files of after a step, and the checkpoint of before it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        place.close()
        self.before = place.checkpoint.read_bytes()
        place.open()

    def now(self) -> None:
        self.place.close()
        self.place.checkpoint.write_bytes(self.before)
        self.place.open()


@pytest.mark.parametrize("name", STREAMS)
def test_a_kill_before_the_checkpoint_knows_of_the_partial_file(place: Place, name: str) -> None:
    place.archive.put([record(1)])
    place.output(name).catch_up()
    place.archive.put([record(2)])
    rewound = Rewound(place)
    place.output(name).catch_up()
    rewound.now()
    place.archive.put([record(3)])
    place.output(name).catch_up()
    assert sorted(place.numbers(name, place.partial)) == [1, 2, 3]


@pytest.mark.parametrize("name", FORMATS)
def test_a_kill_before_the_checkpoint_knows_of_the_file(place: Place, name: str) -> None:
    place.archive.put([record(1)])
    place.output(name).catch_up()
    rewound = Rewound(place)
    place.output(name).finish([place.archive])
    rewound.now()
    place.archive.put([record(2)])
    output = place.output(name)
    output.catch_up()
    assert place.numbers(name) == [1]
    assert output.finish([place.archive])
    assert place.numbers(name) == [2, 1]
    assert not place.partial.exists()


@pytest.mark.parametrize("name", STREAMS)
def test_a_kill_before_the_partial_file_is_removed(place: Place, name: str) -> None:
    place.archive.put([record(1)])
    output = place.output(name)
    output.catch_up()
    kept = place.partial.read_bytes()
    output.finish([place.archive])
    place.partial.write_bytes(kept)
    output = place.output(name)
    assert not output.finish([place.archive])
    assert not place.partial.exists()


WORKER = """
import sys
from pathlib import Path
from tests.services.github.prs.made import WIDGETS, record
from vestal.services.github.prs.archive import Archive
from vestal.services.github.prs.archive_file import ArchiveFile
from vestal.services.github.prs.sinks.output import Output
out, name = Path(sys.argv[1]), sys.argv[2]
with ArchiveFile(out.with_name("out.checkpoint")) as file:
    archive = Archive(file)
    archive.begin(WIDGETS)
    output = Output(out, name, file)
    output.catch_up()
    for number in range(archive.counts()[0] + 1, 61):
        archive.put([record(number)])
        output.catch_up()
        print(number, flush=True)
    archive.complete()
    output.finish([archive])
"""


@pytest.mark.parametrize("name", STREAMS)
def test_kills_cost_nothing(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", WORKER, str(out), name]
    for kill_after in (7, 13, None):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(kill_after or 0):
            process.stdout.readline()
        if kill_after is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.stdout.read()
        process.stdout.close()
        process.wait()
        assert out.exists() == (kill_after is None)
        if kill_after is not None:
            with ArchiveFile(tmp_path / "out.checkpoint") as file:
                Output(out, name, file).catch_up()
                stored = [json.loads(text)["number"] for _, text in file.stored_after(0)]
            assert sorted(each.number for each in read(tmp_path / "out.partial", name)) == stored
    assert read(out, name) == [record(number) for number in range(60, 0, -1)]
