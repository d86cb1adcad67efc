"""How long to wait after a failure. Pure functions: the lifecycle sleeps, these decide.

Retrying a redemption is bound up with what is known of its outcome (`vestal.core.redemption`), which is why a general
retry library does not drive it.
"""

from __future__ import annotations

from dataclasses import dataclass

from vestal.core.errors import AuthFailed, CircuitOpen, NeedsLogin, VestalError

LONGEST_RETRY_AFTER = 86400.0
"""Seconds. Services have been seen to ask for a day; longer is taken for nonsense."""

FRESH = 120.0
"""Seconds for which a token counts as just issued when it is refused."""

LONGEST_REFUSAL_HOLD_OFF = FRESH / 2
"""Seconds. Shorter than `FRESH`, so that a storm that goes on is still known for one when it has ended."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Retries within one refresh: exponential with full jitter, capped in tries and in time."""

    tries: int = 5
    base: float = 0.5
    """Seconds: the first wait is at most this, each further one at most twice the one before."""
    longest: float = 15.0
    """Seconds: the longest single wait."""
    total: float = 45.0
    """Seconds from the start of the refresh after which no further try begins."""

    def wait(self, error: VestalError, tries: int, elapsed: float, random: float) -> float | None:
        """Seconds to wait after `tries` failed tries and `elapsed` seconds, or None to give up.

        `random` is between 0 and 1. A service's Retry-After is honoured: never less is waited, and if it asks for more
        than `longest`, that is the end of this refresh.
        """
        if not error.passing or isinstance(error, CircuitOpen) or tries >= self.tries:
            return None
        if (error.retry_after or 0.0) > self.longest:
            return None
        wait = min(self.base * 2.0 ** (tries - 1), self.longest) * random
        if error.retry_after is not None:
            wait = error.retry_after + wait * 0.1
        return None if elapsed + wait > self.total else wait


def hold_off(error: VestalError, failures: int, random: float) -> float | None:
    """Seconds for which a credential is left alone after its refresh failed for the `failures`-th time in a row.

    None: no time helps, something has to change first (a login, the app's registration). The herd of callers, in all
    processes, gets the same error meanwhile, so that a broken endpoint is asked now and then and not by every call.
    """
    if isinstance(error, NeedsLogin | AuthFailed):
        return None
    longest = 30.0 if error.passing else 300.0
    wait = min(2.0 ** min(failures - 1, 20), longest) * (0.5 + random / 2)
    if error.retry_after is not None:
        wait = max(wait, min(error.retry_after, LONGEST_RETRY_AFTER))
    return wait


def refusal_hold_off(refusals: int) -> float:
    """Seconds after its issue for which a token that was refused at once is not replaced, `refusals` times in a row.

    The first refusal of a fresh token costs a refresh at once: it may have been revoked. A service that refuses what it
    has just issued will refuse the next one too, and a 401 storm must not become a refresh storm.
    """
    return 0.0 if refusals < 1 else min(5.0 * 2.0 ** min(refusals - 1, 20), LONGEST_REFUSAL_HOLD_OFF)
