"""`GitHubAuthenticatedFetcher`: all pull requests of a repository with all that hangs on them.

For example:

    with GitHubAuthenticatedFetcher(tokens=[...], checkpoint_file="acme.db") as fetcher:
        for record in fetcher.fetch_prs_with_details("acme/widgets"):
            print(record.number, record.title, record.cycle_time_hours)

`AsyncGitHubAuthenticatedFetcher` is the same to await.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vestal.core.clock import Clock, SystemClock
from vestal.core.pool import Pool
from vestal.core.secret import Secret
from vestal.services.github.call import API
from vestal.services.github.place import Place
from vestal.services.github.pool import GitHubTokenPool
from vestal.services.github.prs.archive import Archive
from vestal.services.github.prs.contributors import MOST, Contributor, top_contributors
from vestal.services.github.prs.driving import Beside, Stream
from vestal.services.github.prs.fetching import DEFAULT_DAYS, Fetching, Terms
from vestal.services.github.prs.incomplete import PullRequests
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import FetchedPRFull
from vestal.services.github.prs.work import Progress
from vestal.services.runner import AsyncRunner, Runner
from vestal.services.sender import APISender, AsyncAPISender
from vestal.services.steps import Steps

if TYPE_CHECKING:
    from vestal.home import Home

PATIENCE = 10.0
"""Seconds that one query waits for a limit by itself. Longer waits are the run's: there it can be stopped."""

SHORT = 90.0
"""Seconds: a limit that passes sooner (a secondary one) is waited for without being asked to."""


class _Fetcher:
    """What both fetchers are."""

    def __init__(
        self,
        token: str | Secret | None = None,
        tokens: Iterable[str | Secret] | None = None,
        *,
        pool: GitHubTokenPool | Pool | None = None,
        progress_callback: Progress | None = None,
        checkpoint_file: str | PathLike[str] | None = None,
        base_url: str | None = None,
        home: Home | None = None,
        parallel: int = 8,
        wait: bool = False,
        max_wait: float = SHORT,
        clock: Clock | None = None,
    ) -> None:
        """One token, several, or a pool; with none of them, the tokens of the environment (see `GitHubTokenPool`).

        `progress_callback(step, current, total, message)` hears of each step, in any thread; what it raises stops nothing.
        `checkpoint_file`: what a run has is kept there. `base_url`: of an Enterprise Server. `home`: whose ledger keeps the
        quota's books, shared by all processes. `parallel`: queries at once. `wait`: wait for resets, however long;
        `max_wait`: seconds that a reset is waited for otherwise. Raises `ValueError` for token and tokens, or none at all.
        """
        if sum(given is not None for given in (token, tokens, pool)) > 1:
            raise ValueError("give token, tokens or pool, not several of them")
        given = [token] if token is not None else tokens
        self._owned: GitHubTokenPool | None = None
        if pool is None:
            pool = self._owned = GitHubTokenPool(given, base_url=base_url, home=home, clock=clock)
        if isinstance(pool, Pool):
            place, members = Place.of(base_url or ""), pool
        else:
            place, members, clock = pool.api.place, pool.pool, pool.api.clock
        self._clock = clock or SystemClock()
        self._terms = Terms(
            API(place, clock=self._clock, patience=PATIENCE),
            members,
            checkpoint=None if checkpoint_file is None else Path(checkpoint_file),
            parallel=parallel,
            max_wait=math.inf if wait else max_wait,
            progress=progress_callback,
        )

    def get_rate_limit_remaining(self) -> int:
        """Points of GraphQL that are left, each owner counted once."""
        return self._terms.pool.total_remaining("graphql")

    def _options(
        self,
        repo_name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        max_prs: int | None = None,
        include_open: bool = False,
        include_drafts: bool = False,
        with_patches: bool = False,
    ) -> FetchOptions:
        return FetchOptions(
            repo_name, _aware(since), _aware(until), include_open, include_drafts, with_patches, max_prs
        )

    def _contributors(self, repo_name: str, most: int, since: datetime | None) -> Steps[list[Contributor]]:
        begin = since or datetime.fromtimestamp(int(self._clock.now()), UTC) - timedelta(days=DEFAULT_DAYS)
        return top_contributors(self._terms.api, self._terms.pool, repo_name, most, _aware(begin))

    def _close_pool(self) -> None:
        if self._owned is not None:
            self._owned.close()


class GitHubAuthenticatedFetcher(_Fetcher):
    """Fetches pull requests with the tokens of a pool, many in one query, several queries at once.

    A run that can't go on raises `IncompleteFetch`, which holds what there is; with a `checkpoint_file`, the same call goes
    on where it ended, even after kill -9, and a call after a complete run fetches only what has changed since.
    """

    _sender: APISender | None = None

    def fetch_prs_with_details(
        self,
        repo_name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        max_prs: int | None = None,
        include_open: bool = False,
        include_drafts: bool = False,
        parallel: int | None = None,
        with_patches: bool = False,
    ) -> PullRequests:
        """The pull requests of `owner/repo` with `since <= updated_at < until`, the one updated last first.

        `since`: 90 days before now, or where the run that goes on began, unless given; times without a zone are UTC.
        `max_prs`: only so many, the ones updated last. Open ones and drafts are left out unless asked for. `parallel`:
        queries at once. `with_patches`: the files' patches as well, which only REST has: a request or more for each pull
        request, and the first 3,000 files. Raises `IncompleteFetch`; `HTTPError` if there is no such repository;
        `ConfigError` for what can't be asked for.
        """
        options = self._options(repo_name, since, until, max_prs, include_open, include_drafts, with_patches)
        return self._run(Fetching(self._terms, options, parallel=parallel))

    def stream(
        self,
        repo_name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        max_prs: int | None = None,
        include_open: bool = False,
        include_drafts: bool = False,
        parallel: int | None = None,
        with_patches: bool = False,
    ) -> Iterator[FetchedPRFull]:
        """The same, as they come: first what the checkpoint has, then what is fetched, in no order.

        One that changes during the run comes again: the later record is the good one. `max_prs` may be passed by those
        that do. Raises as `fetch_prs_with_details`, at the end; what was given until then is good. Closing the iterator
        stops the run.
        """
        options = self._options(repo_name, since, until, max_prs, include_open, include_drafts, with_patches)
        stream: Stream[FetchedPRFull] = Stream()
        fetching = Fetching(self._terms, options, parallel=parallel, keep=False, on_records=stream.put)
        return self._stream(fetching, stream)

    def fetch_into(self, archive: Archive, options: FetchOptions, *, parallel: int | None = None) -> PullRequests:
        """Fetch into an archive of the caller's. The result has the counts and no records: the archive has them.

        Raises as `fetch_prs_with_details`.
        """
        return self._run(Fetching(self._terms, options, archive=archive, parallel=parallel, keep=False))

    def get_top_contributors(self, repo_name: str, max: int = MOST, since: datetime | None = None) -> list[Contributor]:
        """Who made the pull requests that were updated at `since` (90 days before now) or later: people, the busiest first.

        Raises `VestalError`.
        """
        return self._runner().run(self._contributors(repo_name, max, since))

    def close(self) -> None:
        """Close the connections."""
        if self._sender is not None:
            self._sender.close()
            self._sender = None
        self._close_pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, fetching: Fetching) -> PullRequests:
        runner = self._runner(fetching)
        return Beside(lambda: runner.run(fetching.steps()), fetching.stopped).result()

    def _runner(self, fetching: Fetching | None = None) -> Runner:
        self._sender = sender = self._sender or APISender(self._clock)
        return Runner(sender if fetching is None else fetching.counting.over(sender), self._clock)

    def _stream(self, fetching: Fetching, stream: Stream[FetchedPRFull]) -> Iterator[FetchedPRFull]:
        runner = self._runner(fetching)

        def fetch() -> None:
            try:
                runner.run(fetching.steps())
            finally:
                stream.end()

        beside = Beside(fetch, fetching.stopped)
        try:
            beside.start()
            yield from stream
            beside.result()
        finally:
            beside.stop()


class AsyncGitHubAuthenticatedFetcher(_Fetcher):
    """The same for one event loop. Cancelling a call stops its run; a checkpoint keeps what it has."""

    _sender: AsyncAPISender | None = None

    async def fetch_prs_with_details(
        self,
        repo_name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        max_prs: int | None = None,
        include_open: bool = False,
        include_drafts: bool = False,
        parallel: int | None = None,
        with_patches: bool = False,
    ) -> PullRequests:
        """See `GitHubAuthenticatedFetcher.fetch_prs_with_details`."""
        options = self._options(repo_name, since, until, max_prs, include_open, include_drafts, with_patches)
        return await self._run(Fetching(self._terms, options, parallel=parallel))

    async def stream(
        self,
        repo_name: str,
        since: datetime | None = None,
        until: datetime | None = None,
        max_prs: int | None = None,
        include_open: bool = False,
        include_drafts: bool = False,
        parallel: int | None = None,
        with_patches: bool = False,
    ) -> AsyncIterator[FetchedPRFull]:
        """See `GitHubAuthenticatedFetcher.stream`."""
        options = self._options(repo_name, since, until, max_prs, include_open, include_drafts, with_patches)
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Sequence[FetchedPRFull] | None] = asyncio.Queue()

        def put(records: Sequence[FetchedPRFull] | None) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, records)

        fetching = Fetching(self._terms, options, parallel=parallel, keep=False, on_records=put)
        task = asyncio.ensure_future(self._run(fetching))
        task.add_done_callback(lambda _: put(None))
        try:
            while (records := await queue.get()) is not None:
                for record in records:
                    yield record
            await task
        finally:
            fetching.stopped.set()
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def fetch_into(self, archive: Archive, options: FetchOptions, *, parallel: int | None = None) -> PullRequests:
        """See `GitHubAuthenticatedFetcher.fetch_into`."""
        return await self._run(Fetching(self._terms, options, archive=archive, parallel=parallel, keep=False))

    async def get_top_contributors(
        self, repo_name: str, max: int = MOST, since: datetime | None = None
    ) -> list[Contributor]:
        """See `GitHubAuthenticatedFetcher.get_top_contributors`."""
        return await self._runner().arun(self._contributors(repo_name, max, since))

    async def close(self) -> None:
        """Close the connections."""
        if self._sender is not None:
            await self._sender.close()
            self._sender = None
        await asyncio.to_thread(self._close_pool)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, fetching: Fetching) -> PullRequests:
        return await self._runner(fetching).arun(fetching.steps())

    def _runner(self, fetching: Fetching | None = None) -> AsyncRunner:
        self._sender = sender = self._sender or AsyncAPISender(self._clock)
        return AsyncRunner(sender if fetching is None else fetching.counting.aover(sender))


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
