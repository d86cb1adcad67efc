"""Times as people and programs write them."""

from __future__ import annotations

import re
import time

from vestal.core.errors import ConfigError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 10 * 366 * 86400
"""Seconds. A longer duration is a typing error."""


def rfc3339(at: float | None) -> str | None:
    """Epoch seconds as RFC 3339 in UTC, whole seconds: `2026-11-22T01:02:03Z`. None for None and for no real time."""
    if at is None:
        return None
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    except (ValueError, OverflowError, OSError):
        return None


def duration(text: str) -> float:
    """Seconds of a duration: `90`, `90s`, `15m`, `2h`, `1d`. Raises `ConfigError`."""
    found = _DURATION.fullmatch(text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2]] if found else -1.0
    if not 0 <= seconds <= LONGEST:
        raise ConfigError(f"{text[:40]!r} is no duration", remedy="write it like 90, 90s, 15m, 2h or 1d")
    return seconds


def span(seconds: float) -> str:
    """A length of time for people, in its two largest units: `3 h 12 min`, `45 s`."""
    left = max(int(seconds), 0)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def relative(at: float | None, now: float) -> str:
    """A moment for people, seen from now: `in 3 h 12 min`, `5 min ago`; empty for None."""
    if at is None:
        return ""
    return f"in {span(at - now)}" if at >= now else f"{span(now - at)} ago"
