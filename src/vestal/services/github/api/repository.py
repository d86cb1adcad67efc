"""A repository as a whole: its details, what is known about it, and its tests.

https://docs.github.com/en/rest/repos/repos#get-a-repository
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from vestal.core.errors import HTTPError
from vestal.services.github.api.contents import list_folder
from vestal.services.github.api.find_tests import FoundTests, find_tests
from vestal.services.github.api.reach import Client, object_of, objects, path_of, request
from vestal.services.github.call import Call
from vestal.services.steps import Steps

BASIC = (
    "id", "name", "full_name", "description", "private", "visibility", "fork", "archived", "disabled", "homepage",
    "default_branch", "language", "size", "stargazers_count", "forks_count", "watchers_count", "open_issues_count",
    "html_url", "clone_url",
)  # fmt: skip
"""The fields of `basic_info`."""

_FEATURES = ("has_issues", "has_projects", "has_wiki", "has_pages", "has_downloads", "has_discussions")


class Structure(TypedDict):
    """The top folder. Names, in GitHub's order."""

    files: list[str]
    directories: list[str]
    others: list[str]
    """Submodules and symbolic links."""


class RepositoryMetadata(TypedDict):
    """What is known about a repository. Times are as GitHub writes them (`2026-11-22T03:34:51Z`)."""

    basic_info: dict[str, Any]
    structure: Structure
    """Empty for a repository without commits."""
    languages: dict[str, float]
    """Percent of the code's bytes, the most first."""
    topics: list[str]
    license: dict[str, Any] | None
    """`key`, `name`, `spdx_id`, `url`."""
    created_at: str | None
    updated_at: str | None
    pushed_at: str | None
    has_issues: bool
    has_projects: bool
    has_wiki: bool
    has_pages: bool
    has_downloads: bool
    has_discussions: bool


class RepositoryTests(FoundTests):
    """The tests of a repository."""

    truncated: bool
    """GitHub did not tell of all files (100,000 or 7 MB of them at most): there may be more tests."""


def get_repo_details(client: Client, owner: str, repo: str) -> Steps[dict[str, Any]]:
    """A repository as GitHub has it. One that was renamed is found under its former name as well. Raises `VestalError`."""
    return object_of((yield from request(client, owner, repo, Call("GET", path_of(owner, repo)))))


def fetch_repository_metadata(client: Client, owner: str, repo: str) -> Steps[RepositoryMetadata]:
    """What is known about a repository, of three calls. Raises `VestalError`."""
    details = yield from get_repo_details(client, owner, repo)
    told = object_of((yield from request(client, owner, repo, Call("GET", path_of(owner, repo, "languages")))))
    structure = yield from _structure(client, owner, repo)
    owner_of, topics = details.get("owner"), details.get("topics")
    has = {name: bool(details.get(name)) for name in _FEATURES}
    return {
        "basic_info": {
            **{name: details.get(name) for name in BASIC},
            "owner": owner_of.get("login") if isinstance(owner_of, dict) else None,
        },
        "structure": structure,
        "languages": shares(told),
        "topics": topics if isinstance(topics, list) else [],
        "license": details.get("license"),
        "created_at": details.get("created_at"),
        "updated_at": details.get("updated_at"),
        "pushed_at": details.get("pushed_at"),
        "has_issues": has["has_issues"],
        "has_projects": has["has_projects"],
        "has_wiki": has["has_wiki"],
        "has_pages": has["has_pages"],
        "has_downloads": has["has_downloads"],
        "has_discussions": has["has_discussions"],
    }


def identify_test_files(
    client: Client, owner: str, repo: str, changed_files: Iterable[str] = (), ref: str = "HEAD"
) -> Steps[RepositoryTests]:
    """The test files of a repository at a ref, sorted by what they have to do with `changed_files` (paths).

    One call (https://docs.github.com/en/rest/git/trees#get-a-tree). A repository without commits has none. Raises
    `VestalError`.
    """
    wanted = Call("GET", path_of(owner, repo, "git", "trees", ref), query={"recursive": "1"})
    missing = f"the tree {ref} in {owner}/{repo}"
    tree = object_of((yield from request(client, owner, repo, wanted, missing=missing, code="commit_not_found")))
    paths = [str(entry.get("path", "")) for entry in objects(tree.get("tree")) if entry.get("type") == "blob"]
    found = find_tests(paths, changed_files)
    return {**found, "truncated": bool(tree.get("truncated"))}


def shares(sizes: Mapping[str, Any]) -> dict[str, float]:
    """Percent of each, to two digits, the most first. Pure."""
    known = {name: size for name, size in sizes.items() if isinstance(size, int) and size > 0}
    total = sum(known.values())
    ranked = sorted(known.items(), key=lambda item: (-item[1], item[0]))
    return {name: round(100 * size / total, 2) for name, size in ranked}


def _structure(client: Client, owner: str, repo: str) -> Steps[Structure]:
    try:
        entries = yield from list_folder(client, owner, repo)
    except HTTPError as error:
        if error.code != "file_not_found":  # a repository without commits has no top folder
            raise
        entries = []
    named: dict[str, list[str]] = {"file": [], "dir": [], "other": []}
    for entry in entries:
        kind = str(entry.get("type"))
        named[kind if kind in ("file", "dir") else "other"].append(str(entry.get("name")))
    return {"files": named["file"], "directories": named["dir"], "others": named["other"]}
