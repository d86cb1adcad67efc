"""One call of a fetcher, from the order to the result: as a flow, and how to stop it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from vestal.core.errors import ConfigError, HTTPError, VestalError
from vestal.core.pool import Pool
from vestal.services.github.call import API
from vestal.services.github.prs.archive import Archive
from vestal.services.github.prs.driving import Counting
from vestal.services.github.prs.incomplete import IncompleteFetch, PullRequests
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import FetchedPRFull
from vestal.services.github.prs.run import run
from vestal.services.github.prs.work import Progress, Work
from vestal.services.steps import Steps, do

DEFAULT_DAYS = 90
"""How far back a fetch goes that is not told."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9._-]+")
"""https://docs.github.com/en/repositories/creating-and-managing-repositories"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all calls of a fetcher share."""

    api: API
    pool: Pool
    checkpoint: Path | None = None
    parallel: int = 8
    max_wait: float = 0.0
    progress: Progress | None = None


class Fetching:
    """One call."""

    def __init__(
        self,
        terms: Terms,
        options: FetchOptions,
        *,
        archive: Archive | None = None,
        parallel: int | None = None,
        keep: bool = True,
        on_records: Callable[[Sequence[FetchedPRFull]], object] | None = None,
    ) -> None:
        """`archive`: the caller's own, not the checkpoint. `keep`: the result has the records. Raises `ConfigError`."""
        if not _NAME.fullmatch(options.repository):
            raise ConfigError(f"{options.repository!r} is no repository", remedy="write it as OWNER/REPO")
        self.terms, self.options = terms, options
        self.parallel = terms.parallel if parallel is None else parallel
        self.stopped = threading.Event()
        """Set it to end the run early."""
        self.counting = Counting(terms.api.place.graphql_url)
        self._archive, self._keep, self._on_records = archive, keep, on_records

    def steps(self) -> Steps[PullRequests]:
        """The run. Raises `IncompleteFetch`, or what kept it from beginning."""
        archive = self._archive
        if archive is not None:
            return (yield from self._fetch(archive))
        opening = _Opening(partial(Archive, self.terms.checkpoint, clock=self.terms.api.clock))
        try:
            archive = yield from do(opening.open)
            return (yield from self._fetch(archive))
        finally:
            opening.close()

    def _fetch(self, archive: Archive) -> Steps[PullRequests]:
        options = yield from do(partial(self._dated, archive))
        work = Work(
            self.terms.api,
            self.terms.pool,
            options,
            archive,
            parallel=self.parallel,
            max_wait=self.terms.max_wait,
            progress=self.terms.progress,
            on_records=self._on_records,
            stopped=self.stopped,
        )
        try:
            yield from run(work)
        except VestalError as error:
            trouble = error
        else:
            return (yield from do(partial(self._result, work, complete=True)))
        fetched = yield from do(partial(self._result, work, complete=False))
        if isinstance(trouble, ConfigError) or (isinstance(trouble, HTTPError) and not fetched.found):
            raise trouble
        path = archive.file.path
        raise IncompleteFetch(trouble, fetched, checkpoint=None if path is None else str(path))

    def _dated(self, archive: Archive) -> FetchOptions:
        """The options with a beginning: that of the run that goes on, if it was asked for in the same way."""
        if self.options.since is not None:
            return self.options
        old = archive.unfinished(self.options.repository)
        if old is not None and replace(old, since=None) == self.options:
            return old
        now = datetime.fromtimestamp(int(self.terms.api.clock.now()), UTC)
        return replace(self.options, since=now - timedelta(days=DEFAULT_DAYS))

    def _result(self, work: Work, *, complete: bool) -> PullRequests:
        begun = work.begun
        stored, found = work.archive.counts() if begun else (0, 0)
        records = (
            (record for record in work.archive.records() if work.options.wants_record(record)) if begun else iter(())
        )
        return PullRequests(
            islice(records, work.options.max_prs) if self._keep else (),
            complete=complete,
            stored=stored,
            found=found,
            requests=self.counting.requests,
            points=work.points + self.counting.rest,
            note=work.note,
        )


class _Opening:
    """An archive that is closed in the end, even if nobody waits any more when another thread has opened it."""

    def __init__(self, make: Callable[[], Archive]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._closed = False
        self._archive: Archive | None = None

    def open(self) -> Archive:
        archive = self._make()
        with self._lock:
            self._archive = archive
            if self._closed:
                archive.close()
        return archive

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._archive is not None:
                self._archive.close()
