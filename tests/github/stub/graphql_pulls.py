"""Pull requests, their reviews and review threads as GraphQL shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.github.stub.graphql_checks import commit, rollup
from tests.github.stub.graphql_page import Info, View, connection, numbered
from tests.github.stub.graphql_people import SITE, actor, issue, label, milestone, person, sorted_labels, time
from tests.github.stub.records import Commit, File, Issue, PullRequest, Repository, Review, ReviewComment, node_id

Show = Callable[[Repository], View]


def state(pull: PullRequest) -> str:
    return "MERGED" if pull.merged else pull.state.upper()


def pull_request(repository: Repository, pull: PullRequest, show: Show) -> View:
    """`show` makes the repository's own view."""

    def labels(info: Info, orderBy: dict[str, str], **bounds: Any) -> View:
        return numbered(sorted_labels(pull.labels, orderBy), label)(info, **bounds)

    def reviews(info: Info, author: str | None = None, states: list[str] | None = None, **bounds: Any) -> View:
        items = [
            review
            for review in submitted(pull)
            if (not states or review.state in states)
            and (author is None or (review.user is not None and review.user.login.lower() == author.lower()))
        ]
        return connection(items, _place_of_review, lambda item: pull_review(repository, pull, item))(info, **bounds)

    def threads(info: Info, **bounds: Any) -> View:
        items = sorted(pull.threads, key=_place_of_thread)
        return connection(items, _place_of_thread, lambda item: review_thread(repository, pull, item))(info, **bounds)

    def issues(info: Info, orderBy: dict[str, str] | None = None, **bounds: Any) -> View:
        items = _sorted_issues(pull.linked_issues, orderBy)
        return numbered(items, lambda item: issue(repository, item, show))(info, **bounds)

    return {
        "__typename": "PullRequest",
        "id": pull.node_id,
        "databaseId": pull.id,
        "fullDatabaseId": str(pull.id),
        "number": pull.number,
        "title": pull.title,
        "body": pull.body or "",
        "state": state(pull),
        "merged": pull.merged,
        "isDraft": pull.draft,
        "closed": pull.state == "closed",
        "createdAt": time(pull.created_at),
        "updatedAt": time(pull.updated_at),
        "mergedAt": time(pull.merged_at),
        "closedAt": time(pull.closed_at),
        "additions": pull.additions,
        "deletions": pull.deletions,
        "changedFiles": pull.changed_files,
        "author": lambda info: actor(pull.author),
        "headRefName": pull.head_ref,
        "baseRefName": pull.base_ref,
        "headRefOid": pull.head_sha,
        "url": _url(repository, pull),
        "repository": lambda info: show(repository),
        "milestone": lambda info: milestone(repository, pull.milestone),
        "labels": labels,
        "assignees": numbered(pull.assignees, lambda user: person(user, type="User")),
        "commits": numbered(pull.commits, lambda item: _pull_commit(repository, pull, item)),
        "reviews": reviews,
        "reviewThreads": threads,
        "files": numbered(pull.files, _file),
        "closingIssuesReferences": issues,
        "totalCommentsCount": len(pull.comments),
        "statusCheckRollup": lambda info: rollup(repository, pull.head_sha),
    }


def _url(repository: Repository, pull: PullRequest) -> str:
    return f"{SITE}/{repository.full_name}/pull/{pull.number}"


def _pull_commit(repository: Repository, pull: PullRequest, item: Commit) -> View:
    return {
        "id": node_id("PRC", f"{pull.id}:{item.sha}"),
        "url": f"{_url(repository, pull)}/commits/{item.sha}",
        "commit": lambda info: commit(repository, item),
    }


def _file(file: File) -> View:
    return {
        "path": file.filename,
        "additions": file.additions,
        "deletions": file.deletions,
        "changeType": "DELETED" if file.status == "removed" else file.status.upper(),
    }


def _sorted_issues(issues: list[Issue], order: dict[str, str] | None) -> list[Issue]:
    if order is None:
        return issues
    by_update = order["field"] == "UPDATED_AT"
    return sorted(
        issues,
        key=lambda item: (item.updated_at if by_update else item.created_at, item.number),
        reverse=order["direction"] == "DESC",
    )


def submitted(pull: PullRequest) -> list[Review]:
    """The reviews that all may see, in the order that they were submitted in. A pending one is its author's alone."""
    return sorted((review for review in pull.reviews if review.submitted_at is not None), key=_place_of_review)


def _place_of_review(review: Review) -> tuple[int, int]:
    return review.submitted_at or 0, review.id


def _place_of_thread(comments: list[ReviewComment]) -> tuple[int]:
    return (comments[0].thread,)


def _place_of_comment(comment: ReviewComment) -> tuple[int, int]:
    return comment.created_at, comment.id


def pull_review(repository: Repository, pull: PullRequest, review: Review) -> View:
    def comments(info: Info, **bounds: Any) -> View:
        items = [comment for comment in pull.comments if comment.review_id == review.id]
        return _comments(repository, pull, items)(info, **bounds)

    moment = time(review.submitted_at or pull.created_at)
    return {
        "__typename": "PullRequestReview",
        "id": review.node_id,
        "databaseId": review.id,
        "fullDatabaseId": str(review.id),
        "author": lambda info: actor(review.user),
        "state": review.state,
        "submittedAt": time(review.submitted_at),
        "createdAt": moment,
        "updatedAt": moment,
        "body": review.body,
        "url": f"{_url(repository, pull)}#pullrequestreview-{review.id}",
        "comments": comments,
    }


def review_thread(repository: Repository, pull: PullRequest, comments: list[ReviewComment]) -> View:
    start = comments[0]
    return {
        "__typename": "PullRequestReviewThread",
        "id": node_id("PRRT", start.thread),
        "isResolved": False,
        "isOutdated": start.line is None,
        "path": start.path,
        "line": start.line,
        "originalLine": start.line or 1,
        "comments": _comments(repository, pull, comments),
    }


def _comments(repository: Repository, pull: PullRequest, comments: list[ReviewComment]) -> Callable[..., View]:
    items = sorted(comments, key=_place_of_comment)
    return connection(items, _place_of_comment, lambda item: review_comment(repository, pull, item))


def review_comment(repository: Repository, pull: PullRequest, comment: ReviewComment) -> View:
    def reply_to(info: Info) -> View | None:
        start = next((other for other in pull.comments if other.id == comment.in_reply_to), None)
        return None if start is None else review_comment(repository, pull, start)

    def review(info: Info) -> View | None:
        of = next((review for review in pull.reviews if review.id == comment.review_id), None)
        return None if of is None else pull_review(repository, pull, of)

    return {
        "__typename": "PullRequestReviewComment",
        "id": comment.node_id,
        "databaseId": comment.id,
        "fullDatabaseId": str(comment.id),
        "path": comment.path,
        "line": comment.line,
        "originalLine": comment.line or 1,
        "outdated": comment.line is None,
        "body": comment.body,
        "author": lambda info: actor(comment.user),
        "createdAt": time(comment.created_at),
        "updatedAt": time(comment.updated_at),
        "url": f"{_url(repository, pull)}#discussion_r{comment.id}",
        "replyTo": reply_to,
        "pullRequestReview": review,
    }
