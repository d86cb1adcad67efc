"""A window of time as people write it: `90d` before now, a date, or a moment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from vestal.core.errors import ConfigError
from vestal.operations.times import duration

_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ].*)?")


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a window begins or ends."""

    at: datetime
    moving: bool
    """It is so long before now, and so another moment each time."""


def edge(text: str, now: float) -> Edge:
    """Raises `ConfigError` for what is no time. A time without a zone is UTC."""
    text = text.strip()
    if _DATE.fullmatch(text):
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return Edge(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), moving=False)
    elif text[-1:] in "smhd" and text[:1].isdecimal():
        return Edge(datetime.fromtimestamp(int(now - duration(text)), UTC), moving=True)
    raise ConfigError(
        f"{text[:40]!r} is no time", remedy="write it like 90d (before now), 2026-01-31, or 2026-01-31T12:00:00Z"
    )
