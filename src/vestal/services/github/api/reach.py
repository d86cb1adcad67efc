"""One request for a repository: with the token and the quota of whoever reaches it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from vestal.core.errors import ConfigError, HTTPError, NotInstalled, PermissionDenied, VestalError
from vestal.core.pool import Pool
from vestal.core.source import TokenSource
from vestal.core.token import Token
from vestal.services.exchange import APIResponse
from vestal.services.github.api.connection import Connection
from vestal.services.github.call import Call, call
from vestal.services.github.paging import collect
from vestal.services.steps import Steps

T = TypeVar("T")

_log = logging.getLogger("vestal.github")


class Client(Protocol):
    """What the flows need of a client."""

    @property
    def connection(self) -> Connection:
        """What it stands on."""


class Reach(Protocol):
    """What reaches a repository: an installation, or personal access tokens."""

    @property
    def pool(self) -> Pool:
        """Its quota."""

    @property
    def source(self) -> TokenSource:
        """Its token."""

    def force(self) -> Token:
        """A new token now. May block."""


@dataclass(frozen=True, slots=True)
class FixedReach:
    """Personal access tokens reach what they reach, and can't be replaced."""

    pool: Pool

    @property
    def source(self) -> TokenSource:
        """The pool itself."""
        return self.pool

    def force(self) -> Token:
        """The token of the member with the most left."""
        return self.pool.token()


def within(client: Client, owner: str, repo: str, use: Callable[[Reach], Steps[T]]) -> Steps[T]:
    """Do something with what reaches a repository.

    If GitHub says meanwhile that the installation is gone or suspended, it is looked up again: one that was made again has
    another id, and is used then.
    """
    connection = client.connection
    connection.cleanup.if_due()
    check_repository(owner, repo)
    if connection.lookup is None:
        assert connection.pool is not None  # one of the two
        return (yield from use(FixedReach(connection.pool)))
    found = yield from connection.lookup.find(owner, repo)
    try:
        return (yield from use(found))
    except VestalError as error:
        trouble = error
    if not is_gone(trouble):
        raise trouble
    _log.warning("installation %d is forgotten: %s", found.id, trouble.message)
    connection.lookup.drop(found)
    again = yield from connection.lookup.find(owner, repo)
    if again.id == found.id:
        raise trouble
    return (yield from use(again))


def is_gone(error: VestalError) -> bool:
    """Whether an error says that the installation is gone or suspended. (One that the store recalls has no code.)"""
    if isinstance(error, NotInstalled) or error.code == "suspended":
        return True
    return isinstance(error, PermissionDenied) and "has been suspended" in error.message


def request(
    client: Client, owner: str, repo: str, wanted: Call, *, missing: str = "", code: str = "repository_not_found"
) -> Steps[APIResponse]:
    """Make a call. `missing`: what a 404 says is missing; `code`: of the error that it becomes then."""
    flow = within(client, owner, repo, lambda reach: call(client.connection.api, reach.pool, wanted))
    return (yield from _naming(flow, missing or f"the repository {owner}/{repo}", code))


def request_all(
    client: Client, owner: str, repo: str, wanted: Call, *, missing: str = "", code: str = "repository_not_found"
) -> Steps[list[dict[str, Any]]]:
    """All items of a list of objects."""
    flow = within(client, owner, repo, lambda reach: collect(client.connection.api, reach.pool, wanted))
    return objects((yield from _naming(flow, missing or f"the repository {owner}/{repo}", code)))


def path_of(owner: str, repo: str, *parts: str) -> str:
    """A path of the API below a repository. Parts may have slashes. Raises `ConfigError` for what would lead elsewhere."""
    check_repository(owner, repo)
    for part in parts:
        if not part or any(step in ("", ".", "..") for step in part.split("/")):
            raise ConfigError(f"{part[:100]!r} can't stand in a path", remedy="leave out //, . and .. and empty names")
    return "/".join(["", "repos", quote(owner, safe=""), quote(repo, safe=""), *map(quote, parts)])


def check_repository(owner: str, repo: str) -> None:
    """Raise `ConfigError` unless these can be the names of an account and of a repository."""
    for name in (owner, repo):
        if not name or name in (".", "..") or "/" in name or not name.isprintable():
            raise ConfigError(
                f"{owner[:100]!r} and {repo[:100]!r} name no repository",
                remedy="give the owner and the name of it, like acme and widgets",
            )


def object_of(response: APIResponse) -> dict[str, Any]:
    """The JSON object of an answer. Raises `HTTPError` for anything else."""
    data = response.data
    if not isinstance(data, dict):
        raise HTTPError("GitHub's answer is no JSON object", remedy="check base_url", code="invalid_response")
    return data


def objects(value: object) -> list[dict[str, Any]]:
    """A list of JSON objects; empty for null. Raises `HTTPError` for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise HTTPError("GitHub's answer is no list of JSON objects", remedy="check base_url", code="invalid_response")
    return value


def next_call(wanted: Call, following: str) -> Call:
    """The call for the next page."""
    return replace(wanted, path=following, query={})


def _naming(flow: Steps[T], missing: str, code: str) -> Steps[T]:
    """Say what is missing, where GitHub only says that something is."""
    try:
        return (yield from flow)
    except VestalError as error:
        trouble = error
    # 422 is how GitHub says that there is no such commit.
    if trouble.code != "not_found" and "no commit found" not in trouble.message.lower():
        raise trouble
    raise HTTPError(f"{missing} is not there: {trouble.message}", remedy=trouble.remedy, code=code)
