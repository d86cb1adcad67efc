"""REST search for issues and pull requests, with the qualifiers that are used: no free text.

https://docs.github.com/rest/search/search#search-issues-and-pull-requests
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.github.stub import show_pulls
from tests.github.stub.records import Issue, PullRequest, Repository, iso
from tests.github.stub.refusal import Refused
from tests.github.stub.route import Call, route

MOST_RESULTS = 1000
Item = Issue | PullRequest
_RANGE = re.compile(r"(>=|<=|>|<)?(.+)")


@route("GET", "/search/issues", resource="search")
def issues(call: Call) -> object:
    words = call.query.get("q", "").split()
    if not words:
        error = {"resource": "Search", "field": "q", "code": "missing"}
        raise Refused(422, "Validation Failed", errors=[error])
    found: list[tuple[Repository, Item]] = []
    for repository in _repositories(call, words):
        found += [(repository, issue) for issue in repository.issues.values()]
        found += [(repository, pull) for pull in repository.pulls.values()]
    for word in words:
        name, colon, value = word.partition(":")
        if colon and name != "repo":
            keep = _test(name, value.strip('"'))
            found = [pair for pair in found if keep(pair[1])]
    by = "updated_at" if call.query.get("sort") == "updated" else "created_at"
    found.sort(key=lambda pair: (getattr(pair[1], by), pair[1].number), reverse=call.query.get("order") != "asc")
    if (call.number("page", 1) - 1) * call.number("per_page", 30) >= MOST_RESULTS:
        raise Refused(422, "Only the first 1000 search results are available")
    page = call.pages(found[:MOST_RESULTS])
    return {
        "total_count": len(found),
        "incomplete_results": False,
        "search_type": "lexical",
        "items": [{**show_pulls.issue(call.show, repository, item), "score": 1.0} for repository, item in page],
    }


def _repositories(call: Call, words: list[str]) -> list[Repository]:
    names = [word.removeprefix("repo:").lower() for word in words if word.startswith("repo:")]
    every = [repo for repo in call.service.world.repositories.values() if call.caller.sees(repo)]
    found = [repo for repo in every if not names or repo.full_name.lower() in names]
    if names and not found:
        message = "The listed users and repositories cannot be searched either because the resources do not exist or " \
                  "you do not have permission to view them."  # fmt: skip
        error = {"message": message, "resource": "Search", "field": "q", "code": "invalid"}
        raise Refused(422, "Validation Failed", errors=[error])
    return found


def _test(name: str, value: str) -> Callable[[Item], bool]:
    """What a qualifier lets through."""
    if name in ("is", "type", "state"):
        return {
            "pr": lambda item: isinstance(item, PullRequest),
            "issue": lambda item: isinstance(item, Issue),
            "open": lambda item: item.state == "open",
            "closed": lambda item: item.state == "closed",
            "merged": lambda item: isinstance(item, PullRequest) and item.merged,
            "unmerged": lambda item: isinstance(item, PullRequest) and not item.merged,
            "draft": lambda item: isinstance(item, PullRequest) and item.draft,
        }.get(value, lambda item: False)
    if name == "author":
        return lambda item: item.author is not None and item.author.login.lower() == value.lower()
    if name in ("created", "updated", "closed", "merged"):
        return lambda item: _in_range(iso(getattr(item, f"{name}_at", None)), value)
    return lambda item: True


def _in_range(moment: str | None, wanted: str) -> bool:
    """`>=2026-01-01`, `2026-01-01..2026-02-01`, a day alone; times are compared as text."""
    if moment is None:
        return False
    first, dots, last = wanted.partition("..")
    if dots:
        return (first in ("*", "") or moment >= first) and (last in ("*", "") or moment[: len(last)] <= last)
    match = _RANGE.fullmatch(wanted)
    assert match is not None
    sign, bound = match.groups()
    moment = moment[: len(bound)]
    return {">=": moment >= bound, "<=": moment <= bound, ">": moment > bound, "<": moment < bound}.get(
        sign or "", moment == bound
    )
