"""Pools of many workers in many processes: all of the quota is used, and nothing goes over it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lifecycle.pool_worker import WINDOW, Script, Service

WORKER = Path(__file__).with_name("pool_worker.py")
PATIENCE = 120.0
"""Seconds after which a worker that says nothing is taken for stuck. Not a limit on how long it may take."""

Run = Callable[..., list[dict[str, int] | None]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run worker processes at once; what each says, None if it was killed."""
    (tmp_path / "service").mkdir()

    def run(*scripts: Script) -> list[dict[str, int] | None]:
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        workers = [
            subprocess.Popen(
                [sys.executable, str(WORKER), str(tmp_path), script.dumps()],
                stdin=pipe,
                stdout=pipe,
                text=True,
                env=environment,
            )
            for script in scripts
        ]
        try:
            for worker in workers:
                assert worker.stdout is not None
                assert worker.stdout.readline() == "ready\n"
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write("go\n")
                worker.stdin.flush()
            reports = [worker.communicate(timeout=PATIENCE)[0] for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()
        assert {worker.returncode for worker in workers} <= {0, -9}
        return [json.loads(report) if report else None for report in reports]

    return run


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "service", 0)


@pytest.mark.parametrize(
    ("processes", "threads"),
    [(1, 1), (1, 8), (1, 64), (8, 1), (8, 8), pytest.param(8, 64, marks=pytest.mark.slow)],
)
def test_one_window_is_used_up_and_not_exceeded(run: Run, service: Service, processes: int, threads: int) -> None:
    script = Script(threads)
    reports = run(*[script] * processes)
    assert all(report is not None and report.keys() <= {"sent", "exhausted"} for report in reports)
    assert service.total("refused") == 0
    assert service.total("served") == script.owners * script.quota


def test_headroom_is_left_to_the_unit(run: Run, service: Service) -> None:
    script = Script(8, headroom=17)
    run(script, script)
    assert service.total("refused") == 0
    assert service.total("served") == script.owners * (script.quota - script.headroom)


def test_members_come_back_at_their_reset(run: Run, service: Service) -> None:
    for window in range(3):
        script = Script(8, quota=50, later=window * (WINDOW + 10))
        run(script, script)
        assert service.total("refused") == 0
        assert service.total("served") == (window + 1) * script.owners * script.quota


def test_lost_replies_cost_next_to_nothing(run: Run, service: Service) -> None:
    script = Script(8, loss=0.05)
    run(script, script)
    assert service.total("refused") == 0
    assert service.total("served") >= 0.99 * script.owners * script.quota


def test_a_killed_worker_takes_nothing_with_it(run: Run, service: Service) -> None:
    """What it had reserved is free again when it counts as lost, and the next reply has told what became of it."""
    killed, other = run(Script(8, dies_after=200), Script(8, stops_after=300))
    assert killed is None
    assert other is not None
    assert 300 < service.total("served") < 600
    later = Script(8, later=130.0)
    run(later, later)
    assert service.total("refused") == 0
    assert service.total("served") == later.owners * later.quota
