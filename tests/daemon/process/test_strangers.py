from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vestal.daemon.process.logs import log_file, log_folder
from vestal.daemon.process.strangers import MOST, WITHIN, Patience
from vestal.testing.clock import FakeClock

FLOOD = """
import logging, sys
from pathlib import Path
from vestal.daemon.process.logs import log_to_files
log_to_files(Path(sys.argv[1]), "info")
for _ in range(200):
    logging.getLogger("vestal.daemon").info("turned away")
    logging.getLogger("vestal.audit").warning("wrong key")
    logging.getLogger("vestal.audit").info("handed out")
    logging.getLogger("uvicorn.error").warning("no HTTP")
    logging.getLogger("vestal").warning("a refresh failed")
"""


class Kept(logging.Handler):
    """What gets through, without its times."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def log(clock: FakeClock, kept: Kept) -> logging.Logger:
    made = logging.Logger("some", logging.DEBUG)
    made.addHandler(kept)
    made.addFilter(Patience(logging.WARNING, clock.steady))
    return made


def test_no_kind_of_line_fills_the_log(log: logging.Logger, kept: Kept, clock: FakeClock) -> None:
    for number in range(MOST + 50):
        log.warning("wrong key from=%s", f"127.0.0.{number % 256}")
        if number < 5:
            log.warning("another kind")
    assert sum("wrong key" in line for line in kept.lines) == MOST
    assert kept.lines.count("another kind") == 5
    clock.advance(WITHIN)
    kept.lines.clear()
    log.warning("wrong key from=%s", "127.0.0.1")
    log.warning("wrong key from=%s", "127.0.0.2")
    assert kept.lines == [
        "wrong key from=127.0.0.1 (and 50 like it that are not written down)",
        "wrong key from=127.0.0.2",
    ]


def test_what_is_ours_is_always_written(log: logging.Logger, kept: Kept) -> None:
    for _ in range(2 * MOST):
        log.info("token credential=%s", "acme")
        log.error("a defect")
    assert kept.lines.count("token credential=acme") == kept.lines.count("a defect") == 2 * MOST


def test_from_any_thread(log: logging.Logger, kept: Kept) -> None:
    def trouble() -> None:
        for _ in range(MOST):
            log.warning("trouble")

    threads = [threading.Thread(target=trouble) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept.lines) == MOST


def test_a_daemon_has_that_patience_where_strangers_are_heard(tmp_path: Path) -> None:
    log_folder(tmp_path).mkdir()
    subprocess.run([sys.executable, "-c", FLOOD, str(tmp_path)], check=True, timeout=60)
    lines = log_file(tmp_path).read_text("utf-8")
    told = ("turned away", "wrong key", "no HTTP", "handed out", "a refresh failed")
    assert [lines.count(each) for each in told] == [MOST, MOST, MOST, 200, 200]
