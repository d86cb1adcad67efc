"""When a service wants to be asked again, and what time it is over there. Pure functions of a response's headers."""

from __future__ import annotations

import re
from calendar import timegm
from email.utils import parsedate_tz

from vestal.core.retry import LONGEST_RETRY_AFTER
from vestal.core.transport import Response

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[A-Za-z0-9 ,:+-]{8,40}")
_RESET_IN = re.compile(r";\s*t=([0-9]{1,15})")
_FIRST_EPOCH = 1e9
"""A reset above this is a moment, not a number of seconds to wait."""


def retry_after(response: Response) -> float | None:
    """Seconds from the sending of the request until the service may be asked again; None if it does not say.

    Retry-After comes first (RFC 9110, 10.2.3), then RateLimit (draft-ietf-httpapi-ratelimit-headers), then the older
    RateLimit-Reset and X-RateLimit-Reset, which hold seconds or a moment. Nonsense is ignored; a day is the most.
    """
    headers = response.headers
    wait = _retry_after(headers.get("retry-after", ""), response)
    if wait is None and (found := _RESET_IN.search(headers.get("ratelimit", ""))):
        wait = float(found[1])
    for name in ("ratelimit-reset", "x-ratelimit-reset"):
        if wait is None and (reset := _number(headers.get(name, ""))) is not None:
            wait = reset - server_time(response) if reset > _FIRST_EPOCH else reset
    return None if wait is None else min(max(wait, 0.0), LONGEST_RETRY_AFTER)


def is_rate_limit(response: Response) -> bool:
    """Whether the headers say that a limit is used up. Services send the names alone with every answer."""
    headers = response.headers
    used_up = any(_number(headers.get(name, "")) == 0 for name in ("ratelimit-remaining", "x-ratelimit-remaining"))
    return used_up or _retry_after(headers.get("retry-after", ""), response) is not None


def server_time(response: Response) -> float:
    """Epoch seconds by the service's own clock (Date, RFC 9110, 6.6.1); by ours where it does not say."""
    date = http_date(response.headers.get("date", ""))
    return response.sent_at if date is None else date


def http_date(text: str) -> float | None:
    """An HTTP-date in any of its three forms (RFC 9110, 5.6.7) as epoch seconds; None for what is none."""
    if not _DATE.fullmatch(text.strip()):
        return None
    try:
        parts = parsedate_tz(text)
        return None if parts is None else float(timegm(parts[:9]) - (parts[9] or 0))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _retry_after(text: str, response: Response) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return seconds
    date = http_date(text)
    return None if date is None else date - server_time(response)


def _number(text: str) -> float | None:
    return float(text.strip()) if _NUMBER.fullmatch(text.strip()) else None
