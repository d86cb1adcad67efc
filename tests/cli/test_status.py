"""`vestal status`, and whose daemon it is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import CLI
from vestal.cli.daemon import check_reachable
from vestal.core.errors import ConfigError
from vestal.daemon.process.pid_file import PidFile, Running
from vestal.daemon.process.stop import stop

NOBODY = 65534

takes_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes root to be somebody else")


@pytest.fixture
def daemon(cli: CLI) -> Iterator[CLI]:
    """The command line, and no daemon left behind."""
    yield cli
    stop(cli.folder, timeout=0)


def test_where_the_dashboard_is(daemon: CLI) -> None:
    assert daemon("start").code == 0
    assert daemon("status", "--json").json["dashboard"] is None
    assert "dashboard    none: `vestal restart --tcp`, then `vestal open`\n" in daemon("status").out
    url = daemon("restart", "--tcp", "127.0.0.1:0", "--json").json["url"]
    assert daemon("status", "--json").json["dashboard"] == f"{url}/dashboard"
    assert f"dashboard    {url}/dashboard\n" in daemon("status").out
    daemon("stop")
    stopped = daemon("status", "--json")
    assert (stopped.code, stopped.json["dashboard"]) == (1, None)


def test_one_that_lives_and_does_not_answer(daemon: CLI) -> None:
    pid = daemon("start", "--json").json["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        told = daemon("status")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert told.code == 1
    assert "status       unresponsive: it lives, but does not answer" in told.out


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@takes_root
def test_the_daemon_of_somebody_else(daemon: CLI) -> None:
    """Root may look at the process, but the daemon answers root as little as anybody else."""
    pid_file = PidFile(daemon.folder)
    with subprocess.Popen(["/bin/cat"], user=NOBODY, group=NOBODY, extra_groups=[], stdin=-1) as theirs:
        with pid_file.hold():
            created = psutil.Process(theirs.pid).create_time()
            pid_file.write(Running(theirs.pid, created, "running", version="1", socket="/nowhere"))
            seen, told = daemon("status"), daemon("status", "--json")
        theirs.communicate(b"")
    assert (seen.code, told.code) == (1, 1)
    assert "belongs to user nobody: only they are answered" in seen.out
    assert "unresponsive" not in seen.out
    assert (told.json["status"], told.json["user"], told.json["pid"]) == ("foreign", "nobody", theirs.pid)
    assert not (daemon.folder / "store.db").exists(), "nothing of ours is left there"


@takes_root
def test_the_home_of_somebody_else(open_folder: Path) -> None:
    ours = open_folder / "ours"
    ours.mkdir(mode=0o700)
    check_reachable(ours)
    check_reachable(open_folder / "none")
    os.seteuid(NOBODY)
    try:
        with pytest.raises(ConfigError, match="belongs to user root"):
            check_reachable(ours)
    finally:
        os.seteuid(0)
