"""`GitHubTokenPool` without a network; with one, it is in tests/github."""

from __future__ import annotations

import threading
from typing import Any

from vestal.services.github.pool import GitHubTokenPool


def test_a_child_shares_no_connection_and_no_lock_with_its_parent() -> None:
    unused: dict[str, Any] = {"environ": {}, "sender": None}
    pool = GitHubTokenPool(["ghp_a"], **unused)
    pool._clients["token-1"] = object()
    other = threading.Thread(target=pool._lock.acquire)  # and it is not there any more
    other.start()
    other.join()
    pool.in_child()
    assert pool._lock.acquire(blocking=False)
    assert pool._clients == {}
    pool.close()
