"""Pull requests in bulk, with all that hangs on them.

`fetcher` is what programs use. One call of it is a `fetching`, which does a `run` over an archive: `listing` says which pull
requests there are, `details` fetches them by `query`, in portions that `batch` measures; `answer` and `parse` read what
comes, `rest` helps where GraphQL can't. `archive` keeps what there is, `sinks` write it out, `contributors` counts authors.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vestal.services.github.prs.fetcher import AsyncGitHubAuthenticatedFetcher, GitHubAuthenticatedFetcher
    from vestal.services.github.prs.incomplete import IncompleteFetch, PullRequests
    from vestal.services.github.prs.record import FetchedPRFull

__all__ = [
    "AsyncGitHubAuthenticatedFetcher",
    "FetchedPRFull",
    "GitHubAuthenticatedFetcher",
    "IncompleteFetch",
    "PullRequests",
]

_FILES = {
    "AsyncGitHubAuthenticatedFetcher": "fetcher",
    "FetchedPRFull": "record",
    "GitHubAuthenticatedFetcher": "fetcher",
    "IncompleteFetch": "incomplete",
    "PullRequests": "incomplete",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
