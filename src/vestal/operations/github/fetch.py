"""Fetching the pull requests of repositories into one file: begun, gone on with, brought up to date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from vestal.core.errors import VestalError
from vestal.operations.github.windows import Edge
from vestal.services.github.pool import GitHubTokenPool
from vestal.services.github.prs.archive import Archive
from vestal.services.github.prs.archive_file import ArchiveFile
from vestal.services.github.prs.fetcher import GitHubAuthenticatedFetcher
from vestal.services.github.prs.incomplete import IncompleteFetch, PullRequests
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.sinks.output import Output

Progress = Callable[[str, str, int, int, str], object]
"""Called with the repository, and as the fetcher's callback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to fetch, and where to."""

    repositories: tuple[str, ...]
    out: Path
    format: str
    since: Edge
    until: Edge | None = None
    include_open: bool = False
    include_drafts: bool = False
    with_patches: bool = False
    max_prs: int | None = None
    wait: bool = False
    over: bool = False
    """The file may take the place of one that no run has written."""

    @property
    def checkpoint(self) -> Path:
        """What the next run goes on from."""
        return self.out.with_name(f"{self.out.name}.checkpoint")

    def options(self, repository: str, archive: Archive) -> FetchOptions:
        """For one repository. A run that goes on keeps the window that it began with, if that moves."""
        fresh = FetchOptions(
            repository,
            self.since.at,
            None if self.until is None else self.until.at,
            self.include_open,
            self.include_drafts,
            self.with_patches,
            self.max_prs,
        )
        old = archive.unfinished(repository)
        if old is None:
            return fresh
        moving = {
            name: getattr(old, name)
            for name, edge in (("since", self.since), ("until", self.until))
            if edge is not None and edge.moving and getattr(old, name) is not None
        }
        return replace(fresh, **moving)


@dataclass(frozen=True, slots=True)
class Fetched:
    """How it went with one repository."""

    repository: str
    stored: int
    changed: int
    """New ones, and ones that have changed, of those."""
    requests: int
    points: int
    resumed: bool
    note: str = ""


@dataclass(slots=True)
class Report:
    """How it went, or how it stands when it ends early."""

    out: Path
    written: bool = False
    """False: nothing has changed, and the file is as it was."""
    repositories: list[Fetched] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know: of repositories that are dropped, and of those that are fetched afresh."""


class PartialOutput(VestalError):
    """A run ended before its end: what there is stands in `OUT.partial` and in the checkpoint."""

    def __init__(self, reason: VestalError, message: str, out: Output) -> None:
        """As the reason, with what to do."""
        kept = [f"{out.partial} is partial"] if out.partial.exists() else []
        kept += [f"{out.path} is still as it was"] if out.path.exists() else []
        how = f"run the same command again to go on; {' and '.join(kept) or 'there is no output yet'}"
        super().__init__(
            message,
            category=reason.category,
            remedy=f"{reason.remedy}; {how}" if reason.remedy else how,
            credential=reason.credential,
            retry_after=reason.retry_after,
            code=reason.code,
        )
        self.passing = reason.passing
        self.partial = out.partial


def fetch(
    wanted: Wanted, pool_for: Callable[[str], GitHubTokenPool], report: Report, progress: Progress | None = None
) -> None:
    """Fetch, and write the file when all is there. Raises `PartialOutput`, and `VestalError` before anything is fetched.

    Ctrl-C, too, leaves what the next run goes on from. `report` is filled meanwhile, and stands however the run ends.
    """
    with _checkpoint(wanted.checkpoint) as file:
        output = Output(wanted.out, wanted.format, file, over=wanted.over)
        report.notes += [
            f"{name} is not asked for any more, and dropped" for name in file.keep_only(wanted.repositories)
        ]
        archives = []
        for repository in wanted.repositories:
            archives.append(archive := Archive(file))
            report.repositories.append(_one(wanted, repository, archive, output, pool_for, report.notes, progress))
        report.written = output.finish(archives)


@contextmanager
def _checkpoint(path: Path) -> Iterator[ArchiveFile]:
    """The checkpoint. One that was made for nothing is removed again."""
    with ArchiveFile(path) as file:
        try:
            yield file
        except BaseException:
            if not file.existed and file.is_empty:
                for suffix in ("", "-wal"):
                    path.with_name(path.name + suffix).unlink(missing_ok=True)
            raise


def _one(
    wanted: Wanted,
    repository: str,
    archive: Archive,
    output: Output,
    pool_for: Callable[[str], GitHubTokenPool],
    notes: list[str],
    progress: Progress | None,
) -> Fetched:
    file = archive.file
    resumed, before = archive.unfinished(repository) is not None, file.generation
    stream = _Stream(output)

    def tell(step: str, current: int, total: int, message: str) -> None:
        if step == "fetching":
            stream.catch_up()
        if progress is not None:
            progress(repository, step, current, total, message)

    trouble: VestalError
    try:
        pool = pool_for(repository)
        with GitHubAuthenticatedFetcher(pool=pool, progress_callback=tell, wait=wanted.wait) as fetcher:
            fetched = fetcher.fetch_into(archive, wanted.options(repository, archive))
        output.catch_up()
    except IncompleteFetch as error:
        stream.catch_up()
        notes += filter(None, [error.fetched.note])
        trouble = PartialOutput(error.reason, _words(repository, error.fetched, error.reason.message), output)
    except VestalError as error:
        trouble = error.copy()
        if not file.is_empty:  # other repositories are there
            trouble = PartialOutput(trouble, trouble.message, output)
    except KeyboardInterrupt:
        stream.catch_up()
        raise
    else:
        notes += filter(None, [fetched.note])
        changed = file.changed_since(before, archive.part)
        return Fetched(repository, fetched.stored, changed, fetched.requests, fetched.points, resumed, fetched.note)
    raise trouble


def _words(repository: str, fetched: PullRequests, why: str) -> str:
    so_far = f"{fetched.stored} of {fetched.found} pull requests are here, then: " if fetched.found else ""
    return f"{repository}: {so_far}{why}"


class _Stream:
    """The partial file, fed from the run's callback, where an error would be lost."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._busy = threading.Lock()
        self.trouble: VestalError | None = None

    def catch_up(self) -> None:
        if self.trouble is None and self._busy.acquire(blocking=False):  # else another thread is at it
            try:
                self._output.catch_up()
            except VestalError as error:
                self.trouble = error
            finally:
                self._busy.release()
