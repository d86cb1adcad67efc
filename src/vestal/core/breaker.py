"""A breaker per token endpoint: an endpoint that keeps failing is left alone for a while.

It counts passing failures only: a refused refresh token says nothing about the endpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vestal.core.errors import CircuitOpen, Outcome, VestalError

if TYPE_CHECKING:
    import pybreaker


def _not_passing(error: Any) -> bool:
    return not (isinstance(error, VestalError) and error.passing)


class Breakers:
    """The breakers of one process, by endpoint."""

    def __init__(self, failures: int = 10, rest: float = 30.0) -> None:
        """Open after `failures` in a row; let one attempt through after `rest` seconds."""
        self._failures = failures
        self._rest = rest
        self._lock = threading.Lock()
        self._breakers: dict[str, tuple[pybreaker.CircuitBreaker, pybreaker.CircuitMemoryStorage]] = {}

    @contextmanager
    def calling(self, endpoint: str) -> Iterator[None]:
        """Around one attempt. Raises `CircuitOpen` instead of running it while the breaker is open."""
        import pybreaker

        breaker, storage = self._breaker(endpoint)
        if storage.opened_at is not None and storage.opened_at > datetime.now(UTC):
            storage.opened_at = datetime.now(UTC)  # the clock has gone back: do not rest until it has caught up
        entered = False
        try:
            with breaker.calling():
                entered = True
                yield
            return
        except pybreaker.CircuitBreakerError:
            if entered:
                raise
        opened = storage.opened_at
        rest = self._rest if opened is None else self._rest - (datetime.now(UTC) - opened).total_seconds()
        raise CircuitOpen(
            f"{endpoint} failed {self._failures} times in a row and is left alone for a while",
            remedy="wait: it is tried again by itself",
            retry_after=max(rest, 0.1),
            outcome=Outcome.NOT_SENT,
        )

    def state(self, endpoint: str) -> str:
        """`closed`, `open` or `half-open`."""
        with self._lock:
            known = self._breakers.get(endpoint)
        return known[0].current_state if known else "closed"

    def _breaker(self, endpoint: str) -> tuple[pybreaker.CircuitBreaker, pybreaker.CircuitMemoryStorage]:
        import pybreaker

        with self._lock:
            if endpoint not in self._breakers:
                storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
                breaker = pybreaker.CircuitBreaker(
                    fail_max=self._failures,
                    reset_timeout=self._rest,
                    exclude=[_not_passing],
                    state_storage=storage,
                    throw_new_error_on_trip=False,
                )
                self._breakers[endpoint] = breaker, storage
            return self._breakers[endpoint]
