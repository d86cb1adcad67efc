"""What is written is what was stored, in every format."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.services.github.prs.made import record
from tests.services.github.prs.sinks.reading import jsonl, read
from vestal.core.errors import ConfigError
from vestal.services.github.prs.record import COMPUTED, FetchedPRFull, to_json
from vestal.services.github.prs.sinks import FORMATS, format_of, sink
from vestal.services.github.prs.sinks.columns import columns, lists, scalars
from vestal.services.github.prs.sinks.parquet import groups

RECORDS = [record(number) for number in range(9, 0, -1)] + [record(20, 0, labels=(), reviews=(), commits=(), files=())]
RECORDS.sort(key=lambda each: (each.updated_at, each.number), reverse=True)


def texts(records: list[FetchedPRFull]) -> list[str]:
    return [json.dumps(to_json(each), ensure_ascii=False) for each in records]


@pytest.mark.parametrize("name", FORMATS)
def test_records_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    sink(name).write(path, iter(texts(RECORDS)))
    assert read(path, name) == RECORDS


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_is_a_whole_file_too(name: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.touch()
    sink(name).write(path, iter(()))
    assert read(path, name) == []


@pytest.mark.parametrize("name", [name for name in FORMATS if sink(name).streams])
def test_what_is_appended_after_a_kill_is_there_once(name: str, tmp_path: Path) -> None:
    partial, made = tmp_path / "out.partial", sink(name)
    position = made.append(partial, 0, texts(RECORDS[:3]))
    assert made.good(partial, position)
    made.append(partial, position, texts(RECORDS[3:6]))  # and then it was killed, before it could remember that
    with partial.open("ab") as file:
        file.write(b'{"half a rec' * 10_000 if name != "sqlite" else b"")
    assert made.good(partial, position)
    position = made.append(partial, position, texts(RECORDS[3:4]))
    made.append(partial, position, texts(RECORDS[4:]))
    assert read(partial, name) == RECORDS
    made.discard(partial)
    assert not made.good(partial, position)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in FORMATS if sink(name).streams])
def test_position_0_begins_anew(name: str, tmp_path: Path) -> None:
    partial, made = tmp_path / "out.partial", sink(name)
    made.append(partial, 0, texts(RECORDS[:3]))
    made.append(partial, 0, texts(RECORDS[3:4]))
    assert read(partial, name) == RECORDS[3:4]


def test_a_line_is_the_record_with_what_is_computed(tmp_path: Path) -> None:
    path = tmp_path / "out"
    sink("jsonl").write(path, texts(RECORDS))
    assert set(COMPUTED) < set(jsonl(path)[0])


def test_a_database_can_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "out"
    sink("sqlite").write(path, texts(RECORDS))
    with closing(sqlite3.connect(path)) as db:
        found = db.execute(
            "SELECT p.number, r.reviewer_login FROM pull_requests p JOIN reviews r"
            " ON (r.github_repo, r.pull_number) = (p.github_repo, p.number)"
            " WHERE p.is_merged AND p.review_time_hours > 0 ORDER BY p.number LIMIT 1"
        ).fetchall()
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert found == [(1, "carol")]
    assert tables == {"pull_requests", *(column.name for column in lists())}


def test_a_record_takes_the_place_of_its_former_self_with_all_its_lists(tmp_path: Path) -> None:
    partial = tmp_path / "out.partial"
    sink("sqlite").append(partial, 0, texts([record(1)]))
    sink("sqlite").append(partial, 1, texts([record(1, 5, commits=record(1).commits[:1], labels=())]))
    (found,) = read(partial, "sqlite")
    assert (len(found.commits), found.labels) == (1, ())


def test_columns_are_those_of_the_record() -> None:
    names = [column.name for column in columns()]
    assert set(names) == set(to_json(RECORDS[0]))
    assert len(names) == len(set(names)) == len(scalars()) + len(lists())
    assert next(column for column in columns() if column.name == "merged_at").required is False


def test_parquet_has_types_and_groups(tmp_path: Path) -> None:
    import pyarrow.parquet

    path = tmp_path / "out"
    sink("parquet").write(path, texts([record(number % 90 + 1) for number in range(600)]))
    file = pyarrow.parquet.ParquetFile(path)
    assert file.metadata.num_row_groups == 2
    assert str(file.schema_arrow.field("merged_at").type) == "timestamp[us, tz=UTC]"
    assert str(file.schema_arrow.field("linked_issues").type) == "list<element: int64>"


def test_parquet_without_pyarrow_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from vestal.services.github.prs.sinks import sink\n"
        "try: sink('parquet')\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.startswith("ConfigError pyarrow is not installed (pip install 'vestal[parquet]'")


@pytest.mark.parametrize(
    ("path", "named", "found"),
    [("a.jsonl", None, "jsonl"), ("A.CSV", None, "csv"), ("x.db", None, "sqlite"), ("x", "parquet", "parquet")],
)
def test_the_format_is_told_by_the_suffix_or_by_name(path: str, named: str | None, found: str) -> None:
    assert format_of(Path(path), named) == found


@pytest.mark.parametrize(("path", "named"), [("a", None), ("a.txt", None), ("a.csv", "xlsx")])
def test_other_formats_are_none(path: str, named: str | None) -> None:
    with pytest.raises(ConfigError):
        format_of(Path(path), named)


def test_rows_of_parquet_are_grouped_by_number_and_by_size() -> None:
    assert list(groups(["a"] * 5, rows=2)) == [["a", "a"], ["a", "a"], ["a"]]
    assert list(groups(["aaa", "b", "cccccc", "d"], characters=4)) == [["aaa", "b"], ["cccccc"], ["d"]]
    assert list(groups([])) == []
