"""`Faults`: which endpoint is to fail how, and how often. A queue per endpoint."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from vestal.core.errors import ConfigError
from vestal.testing.practice.counters import Counters
from vestal.testing.practice.fault import ENDPOINTS, Fault, fault


class Faults:
    """The faults that wait, per endpoint in a queue. Safe to use from any thread."""

    def __init__(self, counters: Counters) -> None:
        self._lock = threading.Lock()
        self._counters = counters
        self._waiting: dict[str, list[tuple[Fault, int | None]]] = {}
        self._held: set[Future[None]] = set()

    def add(self, /, endpoint: str, kind: str, times: int | None = 1, **options: object) -> None:
        """Let the next requests of `endpoint` fail, after the faults that wait already. None: until they are cleared.

        Raises `ConfigError` for what there is not.
        """
        if endpoint not in ENDPOINTS:
            raise ConfigError(f"there is no endpoint {endpoint[:40]!r}", remedy="there are " + ", ".join(ENDPOINTS))
        if times is not None and times < 1:
            raise ConfigError("a fault happens at least once", remedy="give times of 1 or more, or None for always")
        made = fault(kind, **options)
        with self._lock:
            self._waiting.setdefault(endpoint, []).append((made, times))

    def clear(self, endpoint: str | None = None) -> None:
        """Forget the faults that wait, of one endpoint or of all. What is held stays held."""
        with self._lock:
            for name in ENDPOINTS if endpoint is None else (endpoint,):
                self._waiting.pop(name, None)

    def take(self, endpoint: str) -> Fault | None:
        """The fault that the next request of `endpoint` meets."""
        if not self._waiting:  # the common case, without the lock
            return None
        with self._lock:
            queue = self._waiting.get(endpoint)
            if not queue:
                return None
            first, times = queue[0]
            if times is not None:
                queue[:1] = [(first, times - 1)] if times > 1 else []
        self._counters.add(f"faults.{first.kind}")
        return first

    def release(self) -> int:
        """Let all requests go on that hang faults hold now; how many there were."""
        with self._lock:
            held = [future for future in self._held if not future.done()]
            for future in held:
                future.set_result(None)
            return len(held)

    def hold(self) -> Future[None]:
        """Done when the request is released. To be handed back to `let_go`."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # so that whoever waits for it can't cancel it
        with self._lock:
            self._held.add(future)
        self._counters.add("held")
        return future

    def let_go(self, future: Future[None]) -> None:
        """The request is no longer held."""
        with self._lock:
            self._held.discard(future)
        self._counters.add("held", -1)
