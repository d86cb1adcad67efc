"""Records as a checkpoint keeps them."""

from __future__ import annotations

import json

from vestal.services.github.prs.record import FetchedPRFull, from_json, to_json

LOOK_AGAIN = 15 * 86400.0
"""Seconds after which a check run that has not ended never will: GitHub gives it up after 14 days, and says `stale`
(https://docs.github.com/en/rest/guides/using-the-rest-api-to-interact-with-checks#about-check-suites)."""

SAME_SECOND = 5.0
"""Seconds after its `updated_at` before which a record is looked at again: a second, and what clocks differ."""


def write_record(record: FetchedPRFull) -> str:
    """As JSON text that every format can take: half a character (a lone surrogate) becomes U+FFFD."""
    text = json.dumps(to_json(record), ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_record(text: str) -> FetchedPRFull:
    """What `write_record` wrote."""
    return from_json(json.loads(text))


def look_again_until(record: FetchedPRFull) -> float:
    """Until when (epoch seconds) a record may change although its `updated_at` stays.

    That counts whole seconds: what was fetched in the second of a change may not have seen the next one. And the end of a
    check run does not move it.
    """
    if not record.unfinished:
        return record.updated_at.timestamp() + SAME_SECOND
    starts = [run.started_at for run in record.check_runs if run.status != "completed" and run.started_at is not None]
    return max([record.updated_at, *starts]).timestamp() + LOOK_AGAIN
