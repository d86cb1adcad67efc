"""Commits with their patches, and comparisons. https://docs.github.com/en/rest/commits/commits"""

from __future__ import annotations

from typing import Any, TypedDict

from vestal.services.github.api.reach import Client, next_call, object_of, objects, path_of, request
from vestal.services.github.call import Call
from vestal.services.github.paging import PER_PAGE, onward
from vestal.services.steps import Steps

MOST_FILES = 3000
"""Files of a commit that GitHub tells of at most (https://docs.github.com/en/rest/commits/commits#get-a-commit)."""

MOST_COMPARED_FILES = 300
"""Files of a comparison that GitHub tells of at most, all on its first page (…#compare-two-commits)."""


class CommitPatches(TypedDict):
    """A commit and what it changes."""

    commit_data: dict[str, Any]
    """As GitHub has it, without the files."""
    patches: dict[str, str]
    """By file name. Files without a patch (binary, very large, only renamed) are not here."""
    files: list[dict[str, Any]]
    """`filename`, `status`, `additions`, `deletions`, `changes`, `patch`, ..."""
    stats: dict[str, int]
    """`additions`, `deletions`, `total`."""
    is_merge_commit: bool
    parent_commits: list[str]
    """Their SHAs."""
    truncated: bool
    """The commit has as many files as GitHub tells of, 3000: there may be more."""


def fetch_commit_patches(client: Client, owner: str, repo: str, sha: str) -> Steps[CommitPatches]:
    """A commit with all its files, over all pages. `sha` may be a branch or a tag as well. Raises `VestalError`."""
    wanted = Call("GET", path_of(owner, repo, "commits", sha), query={"per_page": PER_PAGE})
    commit, files = yield from _pages(client, owner, repo, wanted, "files", f"the commit {sha} in {owner}/{repo}")
    parents = [str(parent["sha"]) for parent in objects(commit.get("parents")) if "sha" in parent]
    stats = commit.get("stats")
    return {
        "commit_data": {name: value for name, value in commit.items() if name != "files"},
        "patches": {str(file.get("filename")): str(file["patch"]) for file in files if file.get("patch") is not None},
        "files": files,
        "stats": stats if isinstance(stats, dict) else {},
        "is_merge_commit": len(parents) > 1,
        "parent_commits": parents,
        "truncated": len(files) >= MOST_FILES,
    }


def compare(client: Client, owner: str, repo: str, base: str, head: str) -> Steps[dict[str, Any]]:
    """What `head` has that `base` has not: GitHub's comparison, with the commits of all pages, the oldest first.

    `status` (ahead, behind, diverged, identical), `ahead_by`, `behind_by`, `total_commits`, `merge_base_commit`, `commits`,
    `files`, and our own `files_truncated`: GitHub tells of 300 files at most. Raises `VestalError`.
    """
    wanted = Call("GET", path_of(owner, repo, "compare", f"{base}...{head}"), query={"per_page": PER_PAGE, "page": 1})
    missing = f"{base} or {head} in {owner}/{repo}"
    told, commits = yield from _pages(client, owner, repo, wanted, "commits", missing)
    files = objects(told.get("files"))
    return {**told, "commits": commits, "files": files, "files_truncated": len(files) >= MOST_COMPARED_FILES}


def _pages(
    client: Client, owner: str, repo: str, wanted: Call, key: str, missing: str
) -> Steps[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """An object of which one list comes in pages: its first page, and the whole list."""
    first: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    seen: set[str] = set()
    while True:
        answer = yield from request(client, owner, repo, wanted, missing=missing, code="commit_not_found")
        page = object_of(answer)
        first = first or page
        items += objects(page.get(key))
        following = onward(answer, seen)
        if following is None:
            return first, items
        wanted = next_call(wanted, following)
