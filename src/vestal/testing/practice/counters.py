"""`Counters`: what happened at the practice server, counted exactly."""

from __future__ import annotations

import threading
from collections import Counter

from vestal.core.secret import Secret


class Counters:
    """Counts by name; safe to use from any thread. A count is raised before the client has its answer.

    requests.ENDPOINT     requests that reached an endpoint, with and without a fault
    faults.KIND           faults that were served
    held                  requests that a hang fault holds at this moment
    presented.FINGERPRINT how often a refresh token was presented, and
    redeemed.FINGERPRINT  how often it was redeemed with success, in its grace too
    redemptions           all successful redemptions of refresh tokens,
    grace_redemptions     those of them that were repetitions within the grace
    reuse_detected        redeemed refresh tokens or codes that came back too late or too often
    families_revoked      grants that were revoked with all of their tokens
    issued.GRANT          token answers by `grant_type` (the last part of a URN: `device_code`)
    errors.CODE           errors of the token endpoint by code (`errors.invalid_grant`)
    resource.STATUS       answers of the protected resource by status
    defects               errors of the practice server itself: always 0, or it has a bug
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, by: int = 1) -> None:
        """Count."""
        with self._changed:
            self._counts[name] += by
            self._changed.notify_all()

    def __getitem__(self, name: str) -> int:
        """The present count; 0 for what never happened."""
        with self._changed:
            return self._counts[name]

    def presented(self, refresh_token: str | Secret) -> int:
        """How often a refresh token was presented."""
        return self[f"presented.{_fingerprint(refresh_token)}"]

    def redeemed(self, refresh_token: str | Secret) -> int:
        """How often a refresh token was redeemed with success, repetitions within the grace included."""
        return self[f"redeemed.{_fingerprint(refresh_token)}"]

    def snapshot(self) -> dict[str, int]:
        """All counts that are not 0, at one moment, by name."""
        with self._changed:
            return {name: count for name, count in sorted(self._counts.items()) if count}

    def wait_for(self, name: str, at_least: int = 1, timeout: float = 10.0) -> int:
        """Wait until a count is `at_least` so high, and return it. Raises `TimeoutError` after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._counts[name] >= at_least, timeout):
                raise TimeoutError(f"{name} is {self._counts[name]} after {timeout} s, not {at_least}")
            return self._counts[name]


def _fingerprint(token: str | Secret) -> str:
    return (Secret(token) if isinstance(token, str) else token).fingerprint()
