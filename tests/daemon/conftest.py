from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemons import House
from vestal.daemon.process.stop import stop


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A home of its own; whatever daemon is left at the end is killed."""
    made = House(tmp_path)
    yield made
    stop(made.folder, timeout=0)
