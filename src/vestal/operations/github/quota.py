"""What is left of the quotas of a pool, by token and bucket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


@dataclass(frozen=True, slots=True)
class Owner:
    """The quotas of one owner, which all of its tokens share."""

    tokens: tuple[tuple[str, str], ...]
    """Names, and the tokens masked."""
    lines: tuple[Line, ...]
    """Of one token: a line for each bucket."""
    refused: str | None
    """Why its tokens are not used, if they are not."""


def by_owner(found: Iterable[Line]) -> list[Owner]:
    """The same for people: each quota once. Tokens that are refused stand apart from those that are used."""
    owners: dict[tuple[str, str | None], dict[str, list[Line]]] = {}
    for line in found:
        owners.setdefault((line.owner, line.refused), {}).setdefault(line.name, []).append(line)
    return [
        Owner(tuple((name, of[0].token) for name, of in tokens.items()), tuple(next(iter(tokens.values()))), refused)
        for (_, refused), tokens in owners.items()
    ]
