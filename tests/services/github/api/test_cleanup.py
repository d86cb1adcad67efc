"""The periodic clean-up."""

from __future__ import annotations

from vestal.services.github.api.cleanup import Cleanup
from vestal.testing.clock import FakeClock


def test_a_fork_leaves_no_lock_behind() -> None:
    cleanup = Cleanup(None, FakeClock())
    cleanup._lock.acquire()
    cleanup.in_child()
    assert cleanup.run() == 0
