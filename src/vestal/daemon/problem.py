"""Errors as `application/problem+json` (RFC 9457): one table from categories to statuses.

| category | status | |
| --- | --- | --- |
| NEEDS_LOGIN | 409 | a person can resolve it; trying again does not help |
| RATE_LIMIT_EXCEEDED | 429 | with Retry-After where it is known |
| TIMEOUT | 504 | |
| NETWORK_ERROR | 502 | |
| HTTP_ERROR | 502, or 424 | passing (5xx of the service), or not |
| AUTH_FAILED, PERMISSION_DENIED | 424 | the service said no: it does not help to ask again |
| INSTALLATION_NOT_FOUND, UNPROCESSABLE_ENTITY | 424 | likewise |
| STORE_UNAVAILABLE, CIRCUIT_OPEN | 503 | |
| CONFIG_ERROR | 422, 404 | what Vestal was told is wrong; 404 for a credential that is not there |
| UNEXPECTED_ERROR | 500 | a defect |

The daemon's own refusals (400, 401, 403, 404, 405, 408, 413, 421, 429, 503) are of this form as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from vestal.core.errors import Category, NeedsLogin, VestalError

MEDIA_TYPE = "application/problem+json"

_STATUS = {
    Category.NEEDS_LOGIN: 409,
    Category.RATE_LIMIT_EXCEEDED: 429,
    Category.TIMEOUT: 504,
    Category.NETWORK_ERROR: 502,
    Category.HTTP_ERROR: 502,
    Category.AUTH_FAILED: 424,
    Category.PERMISSION_DENIED: 424,
    Category.INSTALLATION_NOT_FOUND: 424,
    Category.UNPROCESSABLE_ENTITY: 424,
    Category.STORE_UNAVAILABLE: 503,
    Category.CIRCUIT_OPEN: 503,
    Category.CONFIG_ERROR: 422,
    Category.UNEXPECTED_ERROR: 500,
}

_CATEGORY = {
    401: Category.AUTH_FAILED,
    403: Category.PERMISSION_DENIED,
    408: Category.TIMEOUT,
    429: Category.RATE_LIMIT_EXCEEDED,
    500: Category.UNEXPECTED_ERROR,
    503: Category.CIRCUIT_OPEN,
}

_REMEDY = {
    Category.NEEDS_LOGIN: "run `vestal login`",
    Category.RATE_LIMIT_EXCEEDED: "wait, then try again",
    Category.TIMEOUT: "try again",
    Category.NETWORK_ERROR: "check the network and the service's address, then try again",
}
"""For errors that come without one."""


class Refusal(VestalError):
    """The daemon itself says no, with this HTTP status. `headers` go with the answer."""

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None, **fields: Any) -> None:
        super().__init__(message, category=_CATEGORY.get(status, Category.CONFIG_ERROR), **fields)
        self.status = status
        self.headers = dict(headers or {})
        self.passing = status in (408, 429, 503)


def unknown_credential(name: str) -> Refusal:
    """There is no such credential."""
    return Refusal(
        404,
        "there is no credential of that name",
        credential=name[:200],
        remedy="GET /v1/credentials lists those that there are",
    )


def status_of(error: VestalError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, Refusal):
        return error.status
    if error.category is Category.HTTP_ERROR and not error.passing:
        return 424
    return _STATUS[error.category]


def document(error: VestalError) -> dict[str, Any]:
    """The problem as JSON values. Its type is `about:blank` (RFC 9457, 4.2.1): what programs depend on is `category`."""
    status = status_of(error)
    wait = error.retry_after
    remedy = error.remedy or _REMEDY.get(error.category)
    if not remedy:
        remedy = "wait, then try again" if error.passing else "look at `vestal doctor`, and at the daemon's log"
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "category": error.category.value,
        "retry_after": wait if wait is not None and math.isfinite(wait) else None,  # JSON has no Infinity
        "remedy": remedy,
        "credential": error.credential,
        **({"reason": error.reason} if isinstance(error, NeedsLogin) else {}),
    }


def headers_of(error: VestalError) -> dict[str, str]:
    """The headers that go with it. Retry-After is in whole seconds (RFC 9110, 10.2.3), rounded up."""
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if error.retry_after is not None and math.isfinite(error.retry_after):
        headers["Retry-After"] = str(max(math.ceil(error.retry_after), 0))
    return headers


def body_of(error: VestalError) -> bytes:
    """The problem as it is sent."""
    return json.dumps(document(error)).encode("ascii")
