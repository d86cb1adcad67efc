"""What is left of the quotas of a pool, by token and bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vestal.core.pool.member import Left
from vestal.services.github.limits import CORE, GRAPHQL, SEARCH
from vestal.services.github.pool import GitHubTokenPool

USUAL = (CORE, GRAPHQL, SEARCH)
"""The buckets that are worth a line for everybody."""


@dataclass(frozen=True, slots=True)
class Line:
    """One bucket of one token."""

    name: str
    token: str
    """Masked."""
    owner: str
    bucket: str
    left: Left
    resting_until: float | None
    """Epoch seconds: its owner met a secondary limit."""
    refused: str | None
    """Why the token is not used."""


def lines(pool: GitHubTokenPool, *, everything: bool = False) -> Iterator[Line]:
    """Ask GitHub, and tell. `everything`: all buckets that GitHub tells of. Raises `VestalError`."""
    pool.refresh()
    masked = {info.name: info.masked_token for info in pool.tokens}
    for state in pool.states():
        buckets = {bucket: left for bucket, left in state.buckets.items() if everything or bucket in USUAL}
        order = sorted(buckets, key=lambda bucket: (USUAL.index(bucket) if bucket in USUAL else len(USUAL), bucket))
        for bucket in order or [CORE]:
            yield Line(
                state.name,
                masked.get(state.name, "***"),
                state.owner,
                bucket,
                buckets.get(bucket, Left(None, None, None)),
                state.resting_until,
                state.benched,
            )
