from __future__ import annotations

import os
from pathlib import Path

from vestal.daemon.process.health import healthy, stranger


def test_strangers() -> None:
    assert stranger(os.geteuid()) is None
    other = 0 if os.geteuid() else 65534
    assert stranger(other) in ("root", "nobody")
    assert stranger(4_000_000_000) == "4000000000", "one without a name"


def test_nobody_is_there(tmp_path: Path) -> None:
    assert not healthy(str(tmp_path / "socket"))
