"""What one run of fetching works with, and what it counts."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vestal.core.errors import RateLimited, UnexpectedError, VestalError
from vestal.core.pool import Pool
from vestal.services.github.call import API
from vestal.services.github.graphql import GraphQLReply, query
from vestal.services.github.prs.archive import Archive, Resume
from vestal.services.github.prs.batch import BatchSize, cut_off, too_much
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import FetchedPRFull
from vestal.services.github.prs.sight import those_who_see
from vestal.services.steps import Steps, Wait

Progress = Callable[[str, int, int, str], object]
"""Called with the step (`listing`, `fetching`, `waiting`, `done`), how many are there, of how many, and a message."""

RETRIES = (1.0, 2.0, 4.0)
"""Seconds to wait before a query is sent again. What is too much in one query is made smaller instead."""

LONGEST = 30.0
"""Seconds to wait at most because the service says so (Retry-After)."""

WAITS = 5
"""How often, at most, a run waits without an answer in between, unless it may wait without end."""

_log = logging.getLogger(__name__)


class Work:
    """One repository's run. Its flows may run in several threads."""

    def __init__(
        self,
        api: API,
        pool: Pool,
        options: FetchOptions,
        archive: Archive,
        *,
        parallel: int = 8,
        max_wait: float = 0.0,
        progress: Progress | None = None,
        on_records: Callable[[Sequence[FetchedPRFull]], object] | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        """`max_wait`: seconds to wait for a limit to pass, at one time. `on_records` gets what is stored, in any thread."""
        self.api, self.pool, self.options, self.archive = api, pool, options, archive
        self.parallel = max(1, parallel)
        self.repository = options.repository
        """What the repository is called now."""
        self.size = BatchSize()
        self.queries = 0
        """Of GraphQL, answered."""
        self.points = 0
        """That GraphQL told of."""
        self.restarts = 0
        """Of the listing."""
        self.stopped = stopped or threading.Event()
        """Set: no new query is begun."""
        self.sighted = False
        """Whether only those are left in the pool who see the repository."""
        self.begun = False
        self.note = ""
        self._max_wait, self._waits = max_wait, 0
        self._progress, self._on_records = progress, on_records
        self._lock = threading.Lock()
        self._telling = threading.Lock()
        """One callback at a time; they may take long, so nothing else waits for this."""

    def ask(
        self, document: str, variables: Mapping[str, Any] | None = None, *, cost: int = 1, retried: bool
    ) -> Steps[GraphQLReply]:
        """Run a query, and count its points. A broken connection is tried again, and a server error if it is `retried`."""
        for wait in (*RETRIES, None):
            self.go_on()
            try:
                reply = yield from query(self.api, self.pool, document, variables or {}, cost=cost, retried=False)
            except VestalError as error:
                trouble = error
            else:
                self._count(reply)
                return reply
            if wait is None or not (cut_off(trouble) or (retried and too_much(trouble))):
                break
            yield from self.wait(max(wait, min(trouble.retry_after or 0.0, LONGEST)))
        raise trouble

    def wait(self, seconds: float) -> Steps[None]:
        """Let some seconds pass. Raises within one of them if the run was stopped."""
        while seconds > 0:
            self.go_on()
            yield Wait(min(seconds, 1.0))
            seconds -= 1.0

    def go_on(self) -> None:
        """Raise if the run was stopped."""
        if self.stopped.is_set():
            raise UnexpectedError("the run was stopped", remedy="begin it again", code="stopped")

    def leave_out_the_blind(self) -> Steps[None]:
        """Go on with those only who see the repository: for the others it does not exist, and nothing in it."""
        self.pool = yield from those_who_see(self.api, self.pool, self.repository)
        self.sighted = True

    def begin(self) -> Resume:
        """Open the archive for what is asked for."""
        resume = self.archive.begin(self.options)
        self.begun, self.note = True, resume.note
        if resume.note:
            _log.warning("%s", resume.note)
        for record in self.archive.records() if self._on_records is not None and not resume.newly else ():
            self._on_records([record])  # type: ignore[misc]  # there is one
        return resume

    def _count(self, reply: GraphQLReply) -> None:
        told = reply.data.get("rateLimit")
        cost = told.get("cost") if isinstance(told, dict) else None
        with self._lock:
            self._waits = 0
            self.queries += 1
            self.points += cost if isinstance(cost, int) else 0

    def names(self) -> dict[str, str]:
        """The repository as variables of a query."""
        owner, _, name = self.repository.partition("/")
        return {"owner": owner, "name": name}

    def answered(self, asked: int, seconds: float) -> None:
        """A query for details was answered."""
        with self._lock:
            self.size = self.size.answered(asked, seconds)

    def failed(self, asked: int) -> None:
        """A query for details was too much."""
        with self._lock:
            self.size = self.size.failed(asked)

    def keep(self, records: Sequence[FetchedPRFull], gone: Sequence[int] = ()) -> None:
        """Store what has come, and forget what is not asked for any more."""
        wanted = [record for record in records if self.options.wants_record(record)]
        unwanted = [record.number for record in records if not self.options.wants_record(record)]
        if wanted:
            self.archive.put(wanted)
        if unwanted or gone:
            self.archive.drop([*unwanted, *gone])
        with self._telling:
            if wanted and self._on_records is not None:
                self._on_records(wanted)
        self.tell("fetching")

    def tell(self, step: str, message: str = "") -> None:
        """Report progress. What the callback raises stops nothing."""
        if self._progress is None:
            return
        with self._telling:
            stored, listed = self.archive.counts()
            try:
                self._progress(step, stored, listed, message or f"{stored} of {listed} pull requests")
            except Exception as error:
                _log.warning("the progress callback failed: %s", type(error).__name__)

    def wait_for(self, trouble: VestalError) -> float | None:
        """Seconds to wait until a limit has passed, if that is allowed still."""
        if not isinstance(trouble, RateLimited) or trouble.retry_after is None:
            return None
        wait = max(trouble.retry_after, 1.0)
        if wait > self._max_wait or (self._waits >= WAITS and not math.isinf(self._max_wait)):
            return None
        self._waits += 1
        return wait
