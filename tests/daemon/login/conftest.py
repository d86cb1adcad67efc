from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.login.served import Daemon, served, threads
from vestal.testing.practice import PracticeServer, Settings


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer(Settings(device_interval=0.01)) as server:
        yield server


@pytest.fixture
def daemon(tmp_path: Path, practice: PracticeServer) -> Iterator[Daemon]:
    with served(tmp_path / "home", practice) as made:
        yield made
    assert threads() == []
