"""What is asked for: which pull requests of a repository, and how much of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vestal.services.github.prs.record import FetchedPRFull


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """Pull requests with `since <= updated_at < until`, the newest first. Times are aware."""

    repository: str
    """`owner/repo`."""
    since: datetime | None = None
    until: datetime | None = None
    include_open: bool = False
    include_drafts: bool = False
    with_patches: bool = False
    max_prs: int | None = None
    """At most so many: the ones that were updated last."""

    def wants(self, state: str, is_draft: bool, updated_at: datetime) -> bool:
        """Whether a pull request belongs to what is asked for. `state`: `open`, `closed` or `merged`."""
        if (is_draft and not self.include_drafts) or (state == "open" and not self.include_open):
            return False
        return not self.too_old(updated_at) and (self.until is None or updated_at < self.until)

    def wants_record(self, record: FetchedPRFull) -> bool:
        """The same for a record."""
        return self.wants(record.state, record.is_draft, record.updated_at)

    def too_old(self, updated_at: datetime) -> bool:
        """Whether it was updated before the time that is asked for, and so were all that follow in a listing."""
        return self.since is not None and updated_at < self.since
