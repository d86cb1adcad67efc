"""GitHub's limits: what a call costs, what an answer says is left, and the limits that GitHub keeps without telling. Pure.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from vestal.core.errors import HTTPError
from vestal.core.quota import Charge, Rate, Terms, Told
from vestal.oauth2.retry_after import retry_after, server_time
from vestal.services.exchange import APIResponse
from vestal.services.github.refusal import PATIENCE, is_primary, is_secondary

CORE, SEARCH, CODE_SEARCH, GRAPHQL = "core", "search", "code_search", "graphql"

TERMS = Terms(
    concurrent=100,
    rates={
        "rest": Rate(900, 60),
        "graphql": Rate(2000, 60),
        "writes": Rate(1, 1),
        "content": Rate(80, 60),
        "content_hour": Rate(500, 3600),
    },
)
"""The secondary limits: 100 requests at once, REST and GraphQL together; 900 points of REST and 2,000 of GraphQL a minute; a
second between writes; 80 writes that make content a minute and 500 an hour (section "About secondary rate limits")."""

LONGEST_REST = 3600.0
"""Seconds to leave an owner alone at most. The shortest rest is doubled each time in a row ("exponentially increasing")."""

_READS = ("GET", "HEAD", "OPTIONS")


def charge_of(method: str, path: str, *, cost: int = 1, mutation: bool | None = None) -> Charge:
    """What a call will cost. `mutation` is None for REST, and says for GraphQL whether the query changes anything.

    Points: a read of REST 1, a write 5; a query of GraphQL 1, a mutation 5 ("Calculating points for the secondary rate
    limit").
    """
    if mutation is not None:
        return Charge(GRAPHQL, cost, {"graphql": 5.0 if mutation else 1.0} | (_WRITE if mutation else {}))
    if method in _READS:
        return Charge(*_bucket(path, cost), points={"rest": 1.0})
    return Charge(CORE, cost, {"rest": 5.0} | _WRITE)


def told(response: APIResponse, rest: float | None = None, at: float | None = None) -> Told:
    """What an answer's headers say of the quota it was charged to; `rest`: seconds that its owner is left alone.

    `at`: when the answer came (None: as soon as it was asked for). Its Date is of then: an answer that took its time is no
    clock that is ahead, and no reset is taken for earlier than it is.
    """
    headers = response.headers
    limit, remaining = _number(headers.get("x-ratelimit-limit")), _number(headers.get("x-ratelimit-remaining"))
    reset = _number(headers.get("x-ratelimit-reset"))
    came_at = response.sent_at if at is None else at
    ahead = server_time(response.head()) - came_at if reset is not None and "date" in response.headers else 0.0
    return Told(
        bucket=headers.get("x-ratelimit-resource") or None,
        limit=limit,
        remaining=remaining,
        reset_at=None if reset is None else reset - (ahead if abs(ahead) > 2 else 0.0),
        rest_until=None if rest is None else response.sent_at + rest,
    )


def limited(response: APIResponse, *, graphql: bool = False) -> Literal["primary", "secondary"] | None:
    """Which limit an answer says was hit, if any.

    A secondary limit comes as 403 or 429 and is known from a missing permission by its message or by Retry-After. GraphQL
    may say either in an answer with status 200 ("Exceeding the rate limit"); what REST says with one may be anything.
    """
    if response.status == 200:
        return _limited_in_errors(response) if graphql else None
    seen = response.as_response()
    return "secondary" if is_secondary(seen) else "primary" if is_primary(seen) else None


def rest_after(response: APIResponse, strikes: int) -> float:
    """Seconds to leave an owner alone after its `strikes`-th secondary limit in a row.

    Retry-After; else until the reset if nothing remains; else at least a minute, and growing.
    """
    told_when = "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"
    if told_when and (told := retry_after(response.head())) is not None:
        return max(told, 1.0)
    return min(PATIENCE * 2.0 ** min(strikes - 1, 10), LONGEST_REST)


_WRITE = {"writes": 1.0, "content": 1.0, "content_hour": 1.0}


def _bucket(path: str, cost: int) -> tuple[str, int]:
    parts = [part for part in urlsplit(path).path.split("/") if part not in ("", "api", "v3")]
    if parts[:1] == ["rate_limit"]:
        return CORE, 0
    if parts[:2] == ["search", "code"]:
        return CODE_SEARCH, cost
    return (SEARCH if parts[:1] == ["search"] else CORE), cost


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else None


def _limited_in_errors(response: APIResponse) -> Literal["primary", "secondary"] | None:
    if b'"RATE_LIMIT' not in response.body[:4000] and b"secondary rate limit" not in response.body[:4000]:
        return None
    try:
        errors = response.data.get("errors") if isinstance(response.data, dict) else None
    except HTTPError:
        return None
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and str(error.get("type", "")).startswith("RATE_LIMIT"):
            return "primary"
        if isinstance(error, dict) and "secondary rate limit" in str(error.get("message", "")).lower():
            return "secondary"
    return None
