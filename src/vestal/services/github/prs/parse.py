"""What GraphQL answers of a pull request, as a record. Pure.

A connection's pages are joined in the answer of the first query (`join`); once nothing is missing (`missing`), the answer
becomes a `record`. Words are those of GitHub's REST API, so that a record is the same whichever of the two gave it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from vestal.services.github.prs.query import FIRST, More
from vestal.services.github.prs.record import (
    FetchedCheckRun,
    FetchedCommit,
    FetchedFile,
    FetchedPRFull,
    FetchedReview,
    FetchedReviewComment,
    moment,
)

Node = dict[str, Any]

_STATUS = {"DELETED": "removed"}
"""What REST calls otherwise: https://docs.github.com/en/graphql/reference/enums#patchstatus"""


def missing(node: Node) -> list[More]:
    """The connections of a pull request that go on behind what there is of them."""
    number, identity = node["number"], node["id"]
    found = [
        More(number, identity, name, after) for name in FIRST if (after := _after(_connection(node, name))) is not None
    ]
    for thread in _nodes(node, "reviewThreads"):
        after = _after(thread["comments"])
        if after is not None:
            found.append(More(number, thread["id"], "comments", after))
    return found


def join(node: Node, wanted: More, answer: Node) -> None:
    """Append a further page to what there is of a pull request. Raises one of `MALFORMED` if it is no page."""
    page = _connection(answer, wanted.connection)
    target = node
    if wanted.connection == "comments":
        (target,) = (thread for thread in _nodes(node, "reviewThreads") if thread["id"] == wanted.node)
    connection = _connection(target, wanted.connection)
    if page is None or connection is None:
        raise LookupError(f"{wanted.connection} of pull request {wanted.number} went away")
    after = _after(page)
    if after is not None and (not page["nodes"] or after == wanted.after):
        raise LookupError(f"{wanted.connection} of pull request {wanted.number} do not go on")
    connection["nodes"].extend(page["nodes"] or ())
    connection["pageInfo"] = page["pageInfo"]


def record(node: Node, repository: str, files: tuple[FetchedFile, ...] | None = None) -> FetchedPRFull:
    """The record of a pull request of which nothing is missing. `files`: what REST gave in their place."""
    author: Mapping[str, Any] = node["author"] or {}
    here, elsewhere = _issues(node, repository)
    return FetchedPRFull(
        github_pr_id=int(node["fullDatabaseId"]),
        number=node["number"],
        github_repo=repository,
        url=node["url"],
        title=node["title"],
        body=node["body"],
        state=node["state"].lower(),
        is_draft=node["isDraft"],
        created_at=moment(node["createdAt"]),
        updated_at=moment(node["updatedAt"]),
        merged_at=_moment(node["mergedAt"]),
        closed_at=_moment(node["closedAt"]),
        additions=node["additions"],
        deletions=node["deletions"],
        changed_files=node["changedFiles"],
        commits_count=node["commits"]["totalCount"],
        author_login=_login(node["author"]),
        author_id=author.get("databaseId"),
        author_name=author.get("name"),
        author_avatar_url=author.get("avatarUrl"),
        head_ref=node["headRefName"],
        base_ref=node["baseRefName"],
        milestone_title=node["milestone"] and node["milestone"]["title"],
        labels=tuple(label["name"] for label in _nodes(node, "labels")),
        assignees=tuple(user["login"] for user in _nodes(node, "assignees")),
        linked_issues=here,
        linked_issues_elsewhere=elsewhere,
        commits=tuple(_commit(item["commit"]) for item in _nodes(node, "commits")),
        reviews=tuple(sorted(_reviews(node), key=lambda review: (review.submitted_at, review.github_review_id))),
        review_comments=tuple(sorted(_comments(node), key=lambda comment: comment.github_comment_id)),
        files=tuple(_file(item) for item in _nodes(node, "files")) if files is None else files,
        check_runs=tuple(_check_run(item) for item in _nodes(node, "contexts") if item),
    )


def _connection(node: Node, name: str) -> Any:
    """A connection, where there is one: `statusCheckRollup` is null without checks, others where GitHub can't tell."""
    if name == "contexts":
        rollup = node.get("statusCheckRollup")
        return rollup and rollup["contexts"]
    return node.get(name)


def _after(connection: Any) -> str | None:
    info: Mapping[str, Any] = connection["pageInfo"] if connection else {}
    if not info.get("hasNextPage"):
        return None
    after = info["endCursor"]
    if not isinstance(after, str):
        raise LookupError("a connection goes on, and does not say where")
    return after


def _nodes(node: Node, name: str) -> list[Any]:
    connection = _connection(node, name)
    return [item for item in connection["nodes"] or () if item is not None] if connection else []


def _login(actor: Mapping[str, Any] | None) -> str | None:
    """A bot's login ends with `[bot]` in REST and in commits, and not in GraphQL's `Actor`."""
    if actor is None:
        return None
    login: str = actor["login"]
    return f"{login}[bot]" if actor["__typename"] == "Bot" and not login.endswith("[bot]") else login


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _issues(node: Node, repository: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    here, elsewhere = [], []
    for issue in _nodes(node, "closingIssuesReferences"):
        home = issue["repository"]["nameWithOwner"]
        if home.lower() == repository.lower():
            here.append(issue["number"])
        else:
            elsewhere.append(f"{home}#{issue['number']}")
    return tuple(here), tuple(elsewhere)


def _commit(commit: Node) -> FetchedCommit:
    author = commit["author"] or {}
    return FetchedCommit(
        sha=commit["oid"],
        message=commit["message"],
        author_login=(author.get("user") or {}).get("login"),
        author_name=author.get("name"),
        committed_at=moment(commit["committedDate"]),
        additions=commit["additions"],
        deletions=commit["deletions"],
    )


def _reviews(node: Node) -> Iterator[FetchedReview]:
    """The submitted ones: a pending one is its author's alone."""
    for review in _nodes(node, "reviews"):
        if review["submittedAt"] is not None:
            yield FetchedReview(
                github_review_id=int(review["fullDatabaseId"]),
                reviewer_login=_login(review["author"]),
                state=review["state"],
                submitted_at=moment(review["submittedAt"]),
                body=review["body"],
            )


def _comments(node: Node) -> Iterator[FetchedReviewComment]:
    for thread in _nodes(node, "reviewThreads"):
        for comment in _nodes(thread, "comments"):
            review = comment["pullRequestReview"] or {"fullDatabaseId": None, "state": ""}
            if review["state"] == "PENDING":
                continue
            yield FetchedReviewComment(
                github_comment_id=int(comment["fullDatabaseId"]),
                github_review_id=_number(review["fullDatabaseId"]),
                in_reply_to_id=_number((comment["replyTo"] or {}).get("fullDatabaseId")),
                author_login=_login(comment["author"]),
                path=comment["path"],
                line=comment["line"],
                body=comment["body"],
                created_at=moment(comment["createdAt"]),
                updated_at=moment(comment["updatedAt"]),
            )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _file(file: Node) -> FetchedFile:
    status = _STATUS.get(file["changeType"], file["changeType"].lower())
    return FetchedFile(file["path"], status, file["additions"], file["deletions"])


def _check_run(run: Node) -> FetchedCheckRun:
    return FetchedCheckRun(
        github_id=run["databaseId"],
        name=run["name"],
        status=run["status"].lower(),
        conclusion=run["conclusion"] and run["conclusion"].lower(),
        started_at=_moment(run["startedAt"]),
        completed_at=_moment(run["completedAt"]),
    )
