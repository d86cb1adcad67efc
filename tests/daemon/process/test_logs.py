from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon.daemons import House, wait_for
from vestal.core.errors import ConfigError
from vestal.daemon.process.logs import KEPT, Lines, following, last_lines, log_file, log_folder
from vestal.home import Home

WRITER = """
import logging, os, sys
from pathlib import Path
from vestal.daemon.process.logs import log_to_files
os.umask(0)
log_to_files(Path(sys.argv[1]), "info", largest=2000)
log = logging.getLogger("vestal")
for number in range(200):
    log.info("line %d", number)
    log.warning("trouble %d", number)
log.debug("nothing")
logging.getLogger("some.library").info("what libraries say is theirs")
print("on stderr", file=sys.stderr, flush=True)
log.error("the last")
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A home whose log was put aside several times."""
    log_folder(tmp_path).mkdir()
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], check=True, capture_output=True, timeout=60)
    return tmp_path


def test_large_files_are_put_aside_and_all_are_private(written: Path) -> None:
    files = {path.name: path.stat() for path in log_folder(written).iterdir()}
    aside = [f".{number}" for number in range(1, KEPT + 1)]
    assert set(files) == {name + end for name in ("daemon.log", "daemon-error.log") for end in ["", *aside]}
    assert {stat.S_IMODE(status.st_mode) for status in files.values()} == {0o600}
    assert max(status.st_size for status in files.values()) <= 2000 + len("on stderr\n")


def test_what_goes_to_stderr_is_in_the_present_file_of_errors(written: Path) -> None:
    before, after = last_lines(log_file(written, errors=True), 2)
    assert before == "on stderr"
    assert after.endswith("ERROR   the last")


def test_errors_are_warnings_and_worse_and_all_is_in_the_other(written: Path) -> None:
    errors = "\n".join(last_lines(log_file(written, errors=True), 1000))
    assert "trouble 199" in errors
    assert "line 199" not in errors
    everything = "\n".join(last_lines(log_file(written), 1000))
    assert "line 199" in everything
    assert "trouble 199" in everything
    assert "nothing" not in everything
    assert "what libraries say" not in everything


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR])
def test_a_line_is_what_the_library_makes_of_it(level: int) -> None:
    usual = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    lines = Lines()
    for at in (1_700_000_000.25, 1_700_000_000.75, 1_700_000_001.0, 1_600_000_000.5):
        record = logging.LogRecord("vestal", level, __file__, 1, "token of %s: %d", ("\u00e9t\u00e9", 3), None)
        record.created, record.msecs = at, at % 1 * 1000
        assert lines.format(record) == usual.format(record)


def test_a_line_is_one_line() -> None:
    """Whoever can name a credential that is not there would write lines of his own otherwise, or to the terminal."""
    name = "x\n2026-01-01 00:00:00,000 INFO    token credential=b to=c\x1b[2J\r\u2028"
    record = logging.LogRecord("vestal", logging.WARNING, __file__, 1, "no token: %s \u00e9", (name,), None)
    line = Lines().format(record)
    assert line.isprintable()
    assert "x\\n2026-01-01" in line
    assert line.endswith("\\x1b[2J\\r\\u2028 \u00e9")


def test_a_traceback_is_shown() -> None:
    record = logging.LogRecord("vestal", logging.ERROR, __file__, 1, "the refresher failed", (), None)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        record.exc_info = sys.exc_info()
    assert Lines().format(record).endswith("ZeroDivisionError")


@pytest.mark.parametrize("count", [0, 1, 7, 60])
def test_the_last_lines_go_back_over_what_was_put_aside(written: Path, count: int) -> None:
    lines = [line.split(maxsplit=3)[-1] for line in last_lines(log_file(written), count)]
    every = [text for number in range(200) for text in (f"line {number}", f"trouble {number}")] + ["the last"]
    assert lines == every[len(every) - count :]


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "daemon.log", 10) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_log_of_others(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    path.touch(mode=0)
    with pytest.raises(ConfigError, match="can't be read"):
        last_lines(path, 10)


class Writing:
    """What is written to a log between two looks at it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[tuple[str, str]] = []

    def pause(self, seconds: float) -> None:
        if not self.steps:
            raise EOFError
        before, after = self.steps.pop(0)
        if before:
            with self.path.open("a") as file:
                file.write(before)
        if after:
            self.path.rename(self.path.with_name(self.path.name + ".1"))
            self.path.write_text(after)

    def read(self, count: int = 10) -> list[str]:
        lines: list[str] = []
        with suppress(EOFError):
            for line in following(self.path, count, self.pause):
                lines.append(line)  # noqa: PERF402 - it ends in an exception
        return lines


def test_following_shows_what_was_and_what_comes(tmp_path: Path) -> None:
    log = Writing(tmp_path / "daemon.log")
    log.path.write_text("one\ntwo\n")
    log.steps = [("three\nfo", ""), ("", ""), ("ur\n", "")]
    assert log.read(1) == ["two", "three", "four"]


def test_following_goes_on_when_the_file_is_put_aside(tmp_path: Path) -> None:
    log = Writing(tmp_path / "daemon.log")
    log.path.write_text("one\n")
    log.steps = [("last of the old\n", "first of the new\n"), ("next\n", "")]
    assert log.read() == ["one", "last of the old", "first of the new", "next"]


def test_following_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    log = Writing(tmp_path / "daemon.log")
    log.steps = [("", ""), ("one\n", "")]
    assert log.read() == ["one"]


def test_the_log_of_a_daemon(house: House) -> None:
    house.start()
    assert "listening at" in last_lines(log_file(Home(house.folder).folder), 1)[0]
    with house.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        wait_for(lambda: "Invalid HTTP request" in "\n".join(last_lines(log_file(house.folder, errors=True), 5)))
