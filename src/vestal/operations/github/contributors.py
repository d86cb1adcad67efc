"""The contributors report."""

from __future__ import annotations

from datetime import datetime

from vestal.services.github.pool import GitHubTokenPool
from vestal.services.github.prs.contributors import MOST, Contributor, top_contributors
from vestal.services.runner import Runner
from vestal.services.sender import APISender


def contributors(pool: GitHubTokenPool, repository: str, since: datetime | None, most: int = MOST) -> list[Contributor]:
    """See `top_contributors`. Raises `VestalError`."""
    sender = APISender(pool.api.clock)
    try:
        return Runner(sender, pool.api.clock).run(top_contributors(pool.api, pool.pool, repository, most, since))
    finally:
        sender.close()
