"""A breaker per token endpoint: an endpoint that keeps failing is left alone for a while.

It counts passing failures only: a refused refresh token says nothing about the endpoint.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from vestal.core.errors import CircuitOpen, Outcome, VestalError
from vestal.core.fork import Forked, tell

if TYPE_CHECKING:
    import pybreaker


def _not_passing(error: Any) -> bool:
    return not (isinstance(error, VestalError) and error.passing)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    breaker: pybreaker.CircuitBreaker
    storage: pybreaker.CircuitMemoryStorage
    probe: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one attempt that finds out whether the endpoint works again."""


class Breakers(Forked):
    """The breakers of one process, by endpoint."""

    def __init__(self, failures: int = 10, rest: float = 30.0) -> None:
        """Open after `failures` in a row; let one attempt through after `rest` seconds."""
        self._failures = failures
        self._rest = rest
        self._lock = threading.Lock()
        self._endpoints: dict[str, _Endpoint] = {}
        tell(self)

    @contextmanager
    def calling(self, endpoint: str) -> Iterator[None]:
        """Around one attempt. Raises `CircuitOpen` instead of running it while the breaker is open."""
        import pybreaker

        known = self._endpoint(endpoint)
        storage = known.storage
        if storage.opened_at is not None and storage.opened_at > datetime.now(UTC):
            storage.opened_at = datetime.now(UTC)  # the clock has gone back: do not rest until it has caught up
        probing = known.breaker.current_state != pybreaker.STATE_CLOSED
        if probing and not known.probe.acquire(blocking=False):
            raise self._open(endpoint, storage)
        entered = False
        try:
            with known.breaker.calling():
                entered = True
                yield
            return
        except pybreaker.CircuitBreakerError:
            if entered:
                raise
        finally:
            if probing:
                known.probe.release()
        raise self._open(endpoint, storage)

    def state(self, endpoint: str) -> str:
        """`closed`, `open` or `half-open`."""
        with self._lock:
            known = self._endpoints.get(endpoint)
        return known.breaker.current_state if known else "closed"

    def states(self) -> dict[str, str]:
        """The state of every endpoint that was asked so far."""
        with self._lock:
            endpoints = list(self._endpoints)
        return {endpoint: self.state(endpoint) for endpoint in endpoints}

    def in_child(self) -> None:
        """Count from the beginning: attempts may have been under way."""
        self._lock = threading.Lock()
        self._endpoints = {}

    def _open(self, endpoint: str, storage: pybreaker.CircuitMemoryStorage) -> CircuitOpen:
        opened = storage.opened_at
        rest = self._rest if opened is None else self._rest - (datetime.now(UTC) - opened).total_seconds()
        return CircuitOpen(
            f"{endpoint} failed {self._failures} times in a row and is left alone for a while",
            remedy="wait: it is tried again by itself",
            retry_after=max(rest, 0.1),
            outcome=Outcome.NOT_SENT,
        )

    def _endpoint(self, endpoint: str) -> _Endpoint:
        import pybreaker

        with self._lock:
            if endpoint not in self._endpoints:
                storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
                breaker = pybreaker.CircuitBreaker(
                    fail_max=self._failures,
                    reset_timeout=self._rest,
                    exclude=[_not_passing],
                    state_storage=storage,
                    throw_new_error_on_trip=False,
                )
                self._endpoints[endpoint] = _Endpoint(breaker, storage)
            return self._endpoints[endpoint]
