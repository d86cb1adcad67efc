"""How many pull requests to ask for in one query: as many as GitHub answers in good time. Pure.

GitHub ends a request after 10 seconds, limits the nodes of a query to 500,000, and a query's CPU time beside that:
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vestal.core.errors import HTTPError, NetworkError, Outcome, ServiceError, TimedOut, VestalError
from vestal.services.github.graphql import GraphQLError

QUICK, SLOW = 4.0, 7.0
"""Seconds: a query that takes less may grow; one that takes longer comes near GitHub's ten."""

CALM = 3
"""How many quick answers in a row make queries grow."""

TOO_MUCH = frozenset({"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED", "EXCESSIVE_QUERY_COMPLEXITY", "TIMEOUT"})
"""Types of errors that a smaller query does not meet."""

_TOO_MUCH_WORDS = ("timeout", "timed out", "something went wrong while executing", "resource limits")


@dataclass(frozen=True, slots=True)
class BatchSize:
    """How many to ask for next."""

    now: int = 25
    most: int = 50
    calm: int = 0

    def answered(self, asked: int, seconds: float) -> BatchSize:
        """After an answer to a query for `asked`."""
        if seconds > SLOW:
            return replace(self, now=max(1, min(self.now, asked * 3 // 4)), calm=0)
        if asked < self.now or seconds > QUICK:
            return self
        if self.calm + 1 < CALM:
            return replace(self, calm=self.calm + 1)
        return replace(self, now=min(self.most, self.now + max(1, self.now // 4)), calm=0)

    def failed(self, asked: int) -> BatchSize:
        """After a query for `asked` was too much."""
        return replace(self, now=max(1, min(self.now, asked // 2)), calm=0)


def too_much(trouble: VestalError) -> bool:
    """Whether a failure may be due to the size of the query: no answer in time, or 502, 503 and 504 instead of one."""
    return isinstance(trouble, ServiceError | TimedOut)


def asked_too_much(error: GraphQLError) -> bool:
    """Whether an error in an answer may be due to the size of the query."""
    text = error.message.lower()
    return error.type in TOO_MUCH or (not error.type and any(words in text for words in _TOO_MUCH_WORDS))


def cut_off(trouble: VestalError) -> bool:
    """Whether a failure has to do with the connection, not with the query."""
    return isinstance(trouble, NetworkError) or (isinstance(trouble, HTTPError) and trouble.outcome is Outcome.UNKNOWN)
