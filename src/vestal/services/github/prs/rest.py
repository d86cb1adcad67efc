"""A pull request by REST: where GraphQL has no answer (patches), and where it fails even for a single one.

https://docs.github.com/en/rest/pulls/pulls. REST does not know which issues a pull request closes, and its lists of commits
(250 at most) do not count lines: what it can't tell is empty or None in the record. Files end at 3,000.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from vestal.core.errors import HTTPError
from vestal.services.github.call import Call, call
from vestal.services.github.paging import collect
from vestal.services.github.prs.record import (
    FetchedCheckRun,
    FetchedCommit,
    FetchedFile,
    FetchedPRFull,
    FetchedReview,
    FetchedReviewComment,
    moment,
)
from vestal.services.github.prs.shape import checked, understood
from vestal.services.github.prs.work import Work
from vestal.services.steps import Steps

GONE = ("not_found", "gone")
GHOST = "ghost"
"""Who stands in REST for a deleted account (https://docs.github.com/en/account-and-profile: "the ghost user")."""

Data = Mapping[str, Any]


def pull_request(work: Work, number: int) -> Steps[FetchedPRFull | None]:
    """A pull request with its details; None if it is gone. Raises as `call`."""
    path = f"/repos/{work.repository}/pulls/{number}"
    try:
        answer = yield from call(work.api, work.pool, Call("GET", path))
    except HTTPError as error:
        trouble = error
    else:
        return (yield from _pull_request(work, path, answer.data, number))
    if trouble.code in GONE:
        return None
    raise trouble


def files(work: Work, number: int, *, patches: bool) -> Steps[tuple[FetchedFile, ...]]:
    """What a pull request changes, with patches where GitHub shows them, if they are asked for."""
    found = yield from collect(work.api, work.pool, Call("GET", f"/repos/{work.repository}/pulls/{number}/files"))
    return understood(lambda: tuple(_file(data, patches=patches) for data in found), f"the files of #{number}")


def _pull_request(work: Work, path: str, data: Data, number: int) -> Steps[FetchedPRFull]:
    """With what other addresses tell. Raises if one of them does not: without it, it would only look complete."""
    record = understood(lambda: checked(_record(data, work.repository)), f"#{number}")
    if record.number != number:
        raise HTTPError(f"GitHub was asked for #{number}, and told of another", code="invalid_response")
    commits = yield from collect(work.api, work.pool, Call("GET", f"{path}/commits"))
    reviews = yield from collect(work.api, work.pool, Call("GET", f"{path}/reviews"))
    comments = yield from collect(work.api, work.pool, Call("GET", f"{path}/comments"))
    changed = yield from files(work, record.number, patches=work.options.with_patches)
    head = understood(lambda: quote(data["head"]["sha"], safe=""), f"#{number}")
    checks = Call("GET", f"/repos/{work.repository}/commits/{head}/check-runs")
    runs = yield from collect(work.api, work.pool, checks, key="check_runs")
    name = yield from _name(work, data["user"])

    def whole() -> FetchedPRFull:
        submitted = [_review(review) for review in reviews if review.get("submitted_at")]
        return checked(
            replace(
                record,
                author_name=name,
                commits=tuple(_commit(commit) for commit in commits),
                reviews=tuple(sorted(submitted, key=lambda review: (review.submitted_at, review.github_review_id))),
                review_comments=tuple(sorted(map(_comment, comments), key=lambda comment: comment.github_comment_id)),
                files=changed,
                check_runs=tuple(_check_run(run) for run in runs),
            )
        )

    return understood(whole, f"#{number}")


def _name(work: Work, user: Data | None) -> Steps[str | None]:
    """The author's name, which only the account itself tells; bots have none."""
    if _login(user) is None or user is None or user.get("type") == "Bot":
        return None
    try:
        answer = yield from call(work.api, work.pool, Call("GET", f"/users/{quote(user['login'], safe='')}"))
    except HTTPError as error:
        trouble = error
    else:
        name: str | None = answer.data.get("name") if isinstance(answer.data, dict) else None
        return name
    if trouble.code in GONE:
        return None
    raise trouble


def _record(data: Data, repository: str) -> FetchedPRFull:
    """Without what other addresses tell."""
    ghost = _login(data["user"]) is None
    return FetchedPRFull(
        github_pr_id=data["id"],
        number=data["number"],
        github_repo=repository,
        url=data["html_url"],
        title=data["title"],
        body=data["body"] or "",
        state="merged" if data["merged_at"] else data["state"],
        is_draft=bool(data.get("draft")),
        created_at=moment(data["created_at"]),
        updated_at=moment(data["updated_at"]),
        merged_at=data["merged_at"] and moment(data["merged_at"]),
        closed_at=data["closed_at"] and moment(data["closed_at"]),
        additions=data["additions"],
        deletions=data["deletions"],
        changed_files=data["changed_files"],
        commits_count=data["commits"],
        author_login=_login(data["user"]),
        author_id=None if ghost else data["user"]["id"],
        author_name=None,
        author_avatar_url=None if ghost else data["user"]["avatar_url"],
        head_ref=data["head"]["ref"],
        base_ref=data["base"]["ref"],
        milestone_title=data["milestone"] and data["milestone"]["title"],
        labels=tuple(label["name"] for label in data["labels"]),
        assignees=tuple(user["login"] for user in data["assignees"] or ()),
    )


def _login(user: Data | None) -> str | None:
    return None if user is None or user["login"] == GHOST else user["login"]


def _commit(data: Data) -> FetchedCommit:
    commit = data["commit"]
    return FetchedCommit(
        sha=data["sha"],
        message=commit["message"],
        author_login=(data["author"] or {}).get("login"),
        author_name=(commit["author"] or {}).get("name"),
        committed_at=moment(commit["committer"]["date"]),
        additions=None,
        deletions=None,
    )


def _review(data: Data) -> FetchedReview:
    return FetchedReview(
        github_review_id=data["id"],
        reviewer_login=_login(data["user"]),
        state=data["state"],
        submitted_at=moment(data["submitted_at"]),
        body=data["body"] or "",
    )


def _comment(data: Data) -> FetchedReviewComment:
    return FetchedReviewComment(
        github_comment_id=data["id"],
        github_review_id=data["pull_request_review_id"],
        in_reply_to_id=data.get("in_reply_to_id"),
        author_login=_login(data["user"]),
        path=data["path"],
        line=data.get("line"),
        body=data["body"],
        created_at=moment(data["created_at"]),
        updated_at=moment(data["updated_at"]),
    )


def _file(data: Data, *, patches: bool) -> FetchedFile:
    patch = data.get("patch") if patches else None
    return FetchedFile(data["filename"], data["status"], data["additions"], data["deletions"], patch)


def _check_run(data: Data) -> FetchedCheckRun:
    return FetchedCheckRun(
        github_id=data["id"],
        name=data["name"],
        status=data["status"],
        conclusion=data["conclusion"],
        started_at=data["started_at"] and moment(data["started_at"]),
        completed_at=data["completed_at"] and moment(data["completed_at"]),
    )
