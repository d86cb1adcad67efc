"""GitHub: all that is known of it in one room. Its providers, its client, its pools and its programs.

What programs use is here by name, and imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vestal.services.github.api import AsyncGitHubAPIClient, GitHubAPIClient
    from vestal.services.github.pool import AllTokensExhaustedException, GitHubTokenPool, TokenInfo
    from vestal.services.github.prs import (
        AsyncGitHubAuthenticatedFetcher,
        FetchedPRFull,
        GitHubAuthenticatedFetcher,
        IncompleteFetch,
    )

__all__ = [
    "AllTokensExhaustedException",
    "AsyncGitHubAPIClient",
    "AsyncGitHubAuthenticatedFetcher",
    "FetchedPRFull",
    "GitHubAPIClient",
    "GitHubAuthenticatedFetcher",
    "GitHubTokenPool",
    "IncompleteFetch",
    "TokenInfo",
]

_ROOMS = {
    "api": ("AsyncGitHubAPIClient", "GitHubAPIClient"),
    "pool": ("AllTokensExhaustedException", "GitHubTokenPool", "TokenInfo"),
    "prs": ("AsyncGitHubAuthenticatedFetcher", "FetchedPRFull", "GitHubAuthenticatedFetcher", "IncompleteFetch"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
