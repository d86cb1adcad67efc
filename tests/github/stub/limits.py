"""Rate limits: primary ones by owner and resource, and secondary ones by owner.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from __future__ import annotations

import math
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.github.stub.refusal import Refused

LIMITS = {
    "core": 5000, "graphql": 5000, "search": 30, "code_search": 10, "source_import": 100,
    "integration_manifest": 5000, "actions_runner_registration": 10000, "scim": 15000, "dependency_snapshots": 100,
    "dependency_sbom": 100, "code_scanning_autofix": 10,
}  # fmt: skip
ANONYMOUS = 60
MOST_CONCURRENT = 100
MOST_POINTS = {"rest": 900, "graphql": 2000}
"""A minute."""
SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "If you reach out to GitHub Support for help, please include the request ID."
)


@dataclass(slots=True)
class Bucket:
    """What an owner has of one resource. Its window starts with the first request in it."""

    resource: str
    limit: int
    used: int = 0
    reset: int = 0
    refused: int = 0
    """Requests that came while nothing was left: over quota."""


@dataclass(slots=True)
class Owner:
    buckets: dict[str, Bucket] = field(default_factory=dict)
    under_way: int = 0
    most_under_way: int = 0
    points: dict[str, deque[tuple[float, int]]] = field(default_factory=lambda: {"rest": deque(), "graphql": deque()})
    totals: dict[str, int] = field(default_factory=lambda: {"rest": 0, "graphql": 0})
    """Of `points`."""
    banned_until: float = 0.0
    """Told to wait until then; who comes sooner continues while limited."""


class Limits:
    """All buckets. Change `limits`, `windows` and the switches at any time; all methods may be called from any thread."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._owners: dict[str, Owner] = {}
        self.limits = dict(LIMITS)
        self.window = 3600.0
        """Seconds."""
        self.search_window = 60.0
        self.enforce_secondary = False
        """Whether secondary limits are refused; they are counted in `violations` in any case."""
        self.retry_after: int | None = 60
        """Seconds, in refusals by a secondary limit; None: the header is missing, as happens."""
        self.status = 403
        """Of refusals; 429 happens as well."""
        self.violations: list[tuple[str, str]] = []
        """(owner, what): `concurrent`, `points`, `continued` (while limited), `primary` (over quota)."""

    def set(
        self,
        owner: str,
        resource: str = "core",
        *,
        limit: int | None = None,
        remaining: int | None = None,
        reset: int | None = None,
    ) -> None:
        """Set one owner's bucket. `remaining` counts from now, in the present window."""
        with self._lock:
            bucket = self._bucket(owner, resource, self._now())
            bucket.limit = bucket.limit if limit is None else limit
            if remaining is not None:
                bucket.used = bucket.limit - remaining
            if (remaining is not None or reset is not None) and (reset is not None or not bucket.reset):
                bucket.reset = reset if reset is not None else self._end(resource, self._now())

    def bucket(self, owner: str, resource: str = "core") -> Bucket:
        """What an owner has now."""
        with self._lock:
            return self._bucket(owner, resource, self._now())

    def begin(self, owner: str, kind: str, points: int) -> None:
        """A request arrives: secondary limits. `kind`: `rest` or `graphql`. Raises `Refused`; `end` must follow if not."""
        now = self._now()
        with self._lock:
            state = self._owner(owner)
            seen = state.points[kind]
            while seen and seen[0][0] <= now - 60:
                state.totals[kind] -= seen.popleft()[1]
            what = ""
            if now < state.banned_until:
                what = "continued"
            elif state.under_way >= MOST_CONCURRENT:
                what = "concurrent"
            elif state.totals[kind] + points > MOST_POINTS[kind]:
                what = "points"
            if what:
                self.violations.append((owner, what))
                if self.enforce_secondary:
                    raise self._secondary(state, now)
            seen.append((now, points))
            state.totals[kind] += points
            state.under_way += 1
            state.most_under_way = max(state.most_under_way, state.under_way)

    def end(self, owner: str) -> None:
        """The answer has been sent."""
        with self._lock:
            self._owner(owner).under_way -= 1

    def under_way(self, owner: str) -> int:
        """How many requests of an owner are not answered yet."""
        with self._lock:
            return self._owner(owner).under_way

    def refuse(self, owner: str, retry_after: int | None) -> Refused:
        """A refusal by a secondary limit, because a test wants one."""
        with self._lock:
            return self._secondary(self._owner(owner), self._now(), retry_after)

    def check(self, owner: str, resource: str) -> None:
        """Raises `Refused` where nothing is left."""
        with self._lock:
            bucket = self._bucket(owner, resource, self._now())
            if bucket.used >= bucket.limit:
                bucket.refused += 1
                self.violations.append((owner, "primary"))
                kind, _, number = owner.partition(":")
                whom = f"user ID {number}" if kind == "user" else f"{kind} ID {number}"
                raise Refused(
                    self.status,
                    f"API rate limit exceeded for {whom}. If you reach out to GitHub Support for help, please include "
                    "the request ID.",
                )

    def charge(self, owner: str, resource: str, cost: int = 1) -> None:
        now = self._now()
        with self._lock:
            bucket = self._bucket(owner, resource, now)
            bucket.used += cost
            bucket.reset = bucket.reset or self._end(resource, now)

    def headers(self, owner: str, resource: str) -> dict[str, str]:
        """What every answer tells of the bucket that it was paid from."""
        shown = {**self.shown(owner, resource), "resource": resource}
        return {f"X-RateLimit-{name.title()}": str(value) for name, value in shown.items()}

    def shown(self, owner: str, resource: str) -> dict[str, int]:
        """The bucket as /rate_limit shows it. `reset` of an unused one: as if its window began now."""
        now = self._now()
        with self._lock:
            bucket = self._bucket(owner, resource, now)
            remaining = max(0, bucket.limit - bucket.used)
            reset = bucket.reset or self._end(resource, now)
            return {"limit": bucket.limit, "used": bucket.used, "remaining": remaining, "reset": reset}

    def state(self) -> dict[str, object]:
        """Everything, as JSON."""
        with self._lock:
            return {
                "violations": Counter(what for _, what in self.violations),
                "owners": {
                    name: {
                        "most_under_way": owner.most_under_way,
                        "buckets": {
                            b.resource: {"limit": b.limit, "used": b.used, "reset": b.reset, "refused": b.refused}
                            for b in owner.buckets.values()
                        },
                    }
                    for name, owner in self._owners.items()
                },
            }

    def _owner(self, owner: str) -> Owner:
        return self._owners.setdefault(owner, Owner())

    def _bucket(self, owner: str, resource: str, now: float) -> Bucket:
        buckets = self._owner(owner).buckets
        bucket = buckets.get(resource)
        if bucket is None:
            limit = ANONYMOUS if owner.startswith("ip:") and resource == "core" else self.limits[resource]
            bucket = buckets[resource] = Bucket(resource, limit)
        elif bucket.reset and now >= bucket.reset:
            bucket.used = bucket.reset = 0
        return bucket

    def _end(self, resource: str, now: float) -> int:
        return math.ceil(now + (self.search_window if "search" in resource else self.window))

    def _secondary(self, state: Owner, now: float, retry_after: int | None = -1) -> Refused:
        seconds = self.retry_after if retry_after == -1 else retry_after
        state.banned_until = now + (60 if seconds is None else seconds)
        return Refused(self.status, SECONDARY, headers={} if seconds is None else {"Retry-After": str(seconds)})
