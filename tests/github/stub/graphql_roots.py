"""What a query starts from: repositories with their pull requests, nodes by their ids, the viewer and the rate limit."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from tests.github.stub.graphql_checks import commit
from tests.github.stub.graphql_cost import Cost
from tests.github.stub.graphql_page import LIMIT, Info, Refused, View, connection
from tests.github.stub.graphql_people import SITE, actor, person, time
from tests.github.stub.graphql_pulls import pull_request, pull_review, review_thread, state, submitted
from tests.github.stub.records import PullRequest, Repository, User, node_id
from tests.github.stub.world import World


class Quota(NamedTuple):
    """What `rateLimit` tells of the caller's quota, the query itself being paid for. `reset_at`: epoch seconds."""

    limit: int = 5000
    remaining: int = 5000
    reset_at: int = 0
    used: int = 0


FULL = Quota()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. An installation has no `user`, and no `viewer` then."""

    user: User | None = None
    quota: Quota = FULL
    sees: Callable[[Repository], bool] = lambda repository: True
    """What it does not see is not found."""


def query(world: World, caller: Caller, cost: Cost) -> View:
    """The root of one query."""

    def repository(info: Info, owner: str, name: str, followRenames: bool = True) -> View:
        asked = f"{owner}/{name}".lower()
        while followRenames and asked in world.moved and asked not in world.repositories:
            asked = world.moved[asked]
        found = world.repositories.get(asked)
        if found is None or not caller.sees(found):
            raise Refused("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return show_repository(world, found)

    def viewer(info: Info) -> View:
        if caller.user is None:
            raise Refused("FORBIDDEN", "Resource not accessible by integration")
        return person(caller.user)

    def rate_limit(info: Info, dryRun: bool = False) -> View:
        # dryRun changes nothing here: the rest of the query runs as well
        limit, remaining, reset_at, used = caller.quota
        return {
            "cost": cost.points,
            "nodeCount": cost.nodes,
            "limit": limit,
            "remaining": remaining,
            "used": used,
            "resetAt": time(reset_at),
        }

    @cache
    def index(kind: str) -> dict[str, Callable[[], View]]:
        return dict(_known(world, caller, kind))

    def find(id: str) -> View | Refused:
        kind, _, coded = id.partition("_")
        try:
            show = index(kind).get(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode())
        except ValueError:
            show = None
        text = f"Could not resolve to a node with the global id of '{id}'."
        return show() if show else Refused("NOT_FOUND", text)

    def node(info: Info, id: str) -> View | Refused:
        return find(id)

    def nodes(info: Info, ids: list[str]) -> list[View | Refused]:
        if len(ids) > LIMIT:
            text = f"You may not provide more than {LIMIT} node ids; you provided {len(ids)}."
            raise Refused("ARGUMENT_LIMIT", text)
        return [find(id) for id in ids]  # an error in a list leaves the other items alone

    return {"repository": repository, "viewer": viewer, "rateLimit": rate_limit, "node": node, "nodes": nodes}


def show_repository(world: World, repository: Repository) -> View:
    def show(other: Repository) -> View:
        return show_repository(world, other)

    def one(info: Info, number: int) -> View:
        if number not in repository.pulls:
            raise Refused("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return pull_request(repository, repository.pulls[number], show)

    def several(info: Info, orderBy: dict[str, str] | None = None, **arguments: Any) -> View:
        field, descending = (orderBy["field"], orderBy["direction"] == "DESC") if orderBy else ("CREATED_AT", False)
        place = _place(field, descending)
        pulls = [pull for pull in _sorted(world, repository, field, descending) if _wanted(pull, **arguments)]
        return connection(pulls, place, lambda pull: pull_request(repository, pull, show))(info, **arguments)

    return {
        "__typename": "Repository",
        "id": repository.node_id,
        "databaseId": repository.id,
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": lambda info: actor(repository.owner),
        "isPrivate": repository.private,
        "url": f"{SITE}/{repository.full_name}",
        "defaultBranchRef": lambda info: _default_branch(repository),
        "pullRequest": one,
        "pullRequests": several,
    }


def _default_branch(repository: Repository) -> View | None:
    """None as long as nothing was pushed."""
    if not repository.history:
        return None
    return {
        "id": node_id("REF", f"{repository.id}:refs/heads/{repository.default_branch}"),
        "name": repository.default_branch,
        "prefix": "refs/heads/",
        "target": lambda info: commit(repository, repository.commits[repository.history[-1]]),
    }


def _place(field: str, descending: bool) -> Callable[[PullRequest], tuple[int, int]]:
    """Where a pull request stands in an `IssueOrder`: ascending, whichever direction is asked for."""
    sign = -1 if descending else 1
    value: dict[str, Callable[[PullRequest], int]] = {
        "CREATED_AT": lambda pull: pull.created_at,
        "UPDATED_AT": lambda pull: pull.updated_at,
        "COMMENTS": lambda pull: len(pull.comments),
    }
    return lambda pull: (sign * value[field](pull), sign * pull.number)


def _sorted(world: World, repository: Repository, field: str, descending: bool) -> list[PullRequest]:
    if field == "COMMENTS":
        return sorted(repository.pulls.values(), key=_place(field, descending))
    return world.pulls(repository, field.lower(), descending=descending)


def _wanted(
    pull: PullRequest,
    states: list[str] | None = None,
    labels: list[str] | None = None,
    headRefName: str | None = None,
    baseRefName: str | None = None,
    **_: object,
) -> bool:
    return (
        (not states or state(pull) in states)
        and (not labels or any(label.name in labels for label in pull.labels))
        and headRefName in (None, pull.head_ref)
        and baseRefName in (None, pull.base_ref)
    )


def _known(world: World, caller: Caller, kind: str) -> Iterator[tuple[str, Callable[[], View]]]:
    """What is looked up by ids of a kind (`PR_`...): what has connections of its own, and accounts."""
    if kind in ("U", "BOT", "O"):
        yield from ((str(user.id), partial(person, user)) for user in world.users.values())
    for repository in filter(caller.sees, world.repositories.values()):
        if kind == "R":
            yield str(repository.id), partial(show_repository, world, repository)
        elif kind == "C":
            yield from ((sha, partial(commit, repository, one)) for sha, one in repository.commits.items())
        for pull in repository.pulls.values() if kind.startswith("PR") else ():
            if kind == "PR":
                yield str(pull.id), partial(pull_request, repository, pull, partial(show_repository, world))
            elif kind == "PRR":
                for review in submitted(pull):
                    yield str(review.id), partial(pull_review, repository, pull, review)
            elif kind == "PRRT":
                for comments in pull.threads:
                    yield str(comments[0].thread), partial(review_thread, repository, pull, comments)
