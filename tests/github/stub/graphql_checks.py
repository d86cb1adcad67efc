"""Commits, and the checks and statuses on them, as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.github.stub.graphql_page import Info, View, numbered
from tests.github.stub.graphql_people import SITE, git_actor, time
from tests.github.stub.records import CheckRun, Commit, Repository, Status, node_id

FAILED = frozenset({"failure", "timed_out", "cancelled", "action_required", "startup_failure"})


def commit(repository: Repository, commit: Commit) -> View:
    headline, _, body = commit.message.partition("\n")
    parents = [repository.commits[sha] for sha in commit.parents if sha in repository.commits]
    return {
        "__typename": "Commit",
        "id": commit.node_id,
        "oid": commit.sha,
        "abbreviatedOid": commit.sha[:7],
        "message": commit.message,
        "messageHeadline": headline,
        "messageBody": body.strip("\n"),
        "url": f"{SITE}/{repository.full_name}/commit/{commit.sha}",
        "author": lambda info: git_actor(commit.author, commit.author_name, commit.author_email, commit.authored_at),
        "authoredDate": time(commit.authored_at),
        "committedDate": time(commit.committed_at),
        "additions": commit.additions,
        "deletions": commit.deletions,
        "parents": numbered(parents, _in(repository)),
        "statusCheckRollup": lambda info: rollup(repository, commit.sha),
    }


def _in(repository: Repository) -> Callable[[Commit], View]:
    return lambda parent: commit(repository, parent)


def rollup(repository: Repository, sha: str) -> View | None:
    """All checks and statuses of a commit together; None if it has none.

    https://docs.github.com/en/graphql/reference/objects#statuscheckrollup
    """
    number = repository.head_of.get(sha)
    runs = repository.pulls[number].check_runs if number is not None else []
    latest: dict[str, Status] = {}
    for status in repository.statuses.get(sha, ()):
        latest.setdefault(status.context, status)
    contexts: list[CheckRun | Status] = [*runs, *latest.values()]
    if not contexts:
        return None
    states = {_state(context) for context in contexts}
    page = numbered(contexts, _context)

    def resolve(info: Info, **bounds: Any) -> View:
        return {**page(info, **bounds), "checkRunCount": len(runs), "statusContextCount": len(latest)}

    return {
        "id": node_id("SCR", sha),
        "state": next(state for state in ("ERROR", "FAILURE", "PENDING", "SUCCESS") if state in states),
        "commit": lambda info: commit(repository, repository.commits[sha]),
        "contexts": resolve,
    }


def _state(context: CheckRun | Status) -> str:
    if isinstance(context, Status):
        return context.state.upper()
    if context.status != "completed":
        return "PENDING"
    return "FAILURE" if context.conclusion in FAILED else "SUCCESS"


def _context(context: CheckRun | Status) -> View:
    if isinstance(context, Status):
        return {
            "__typename": "StatusContext",
            "id": context.node_id,
            "context": context.context,
            "state": context.state.upper(),
            "description": context.description,
            "targetUrl": context.target_url,
            "createdAt": time(context.created_at),
        }
    return {
        "__typename": "CheckRun",
        "id": context.node_id,
        "databaseId": context.id,
        "name": context.name,
        "status": context.status.upper(),
        "conclusion": context.conclusion and context.conclusion.upper(),
        "startedAt": time(context.started_at),
        "completedAt": time(context.completed_at),
    }
