"""What comes out of a run: all of it, or an error that holds what there is so far."""

from __future__ import annotations

from collections.abc import Iterable

from vestal.core.errors import AllExhausted, VestalError
from vestal.services.github.prs.record import FetchedPRFull


class PullRequests(list[FetchedPRFull]):
    """Records, the one updated last first (then the higher number), and how they came."""

    def __init__(
        self,
        records: Iterable[FetchedPRFull] = (),
        *,
        complete: bool = False,
        stored: int = 0,
        found: int = 0,
        requests: int = 0,
        points: int = 0,
        note: str = "",
    ) -> None:
        super().__init__(records)
        self.complete = complete
        """Whether this is all that was asked for."""
        self.stored = stored
        """How many are there."""
        self.found = found
        """How many were found to be there, fetched or not."""
        self.requests = requests
        """How many requests this run sent."""
        self.points = points
        """What this run took of quotas: points of GraphQL, and one for each request of REST."""
        self.note = note
        """What a person should know of the checkpoint, such as why it was not used."""


class IncompleteFetch(VestalError):
    """A run ended before its end. Its category, and whether trying again can help, are those of its cause."""

    def __init__(self, reason: VestalError, fetched: PullRequests, *, checkpoint: str | None = None) -> None:
        """`checkpoint`: the file to go on with; None: there is none, and the next run begins afresh."""
        how = (
            f"make the same call with checkpoint_file={checkpoint!r} to go on"
            if checkpoint
            else "name a checkpoint_file, so that the next run can go on where this one ended"
        )
        super().__init__(
            f"{fetched.stored} of {fetched.found} pull requests were fetched, then: {reason.message}",
            category=reason.category,
            remedy=f"{reason.remedy}; {how}" if reason.remedy else how,
            credential=reason.credential,
            retry_after=reason.retry_after,
            outcome=reason.outcome,
            code=reason.code,
        )
        self.passing = reason.passing
        self.reason = reason
        self.fetched = fetched
        self.found = fetched.found
        self.reset_at = reason.reset_at if isinstance(reason, AllExhausted) else None
        """Epoch seconds when there is something left again, if that is known."""
