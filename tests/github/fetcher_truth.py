"""What the fetcher must give, made from the stub's world; and fetchers whose time is the stub's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.github.stub.records import Commit, PullRequest, Repository, ReviewComment
from tests.github.stub.server import Stub
from vestal.core.pool import Member, Pool
from vestal.core.secret import Secret
from vestal.core.source import StaticSource
from vestal.core.token import Token
from vestal.services.github.limits import TERMS
from vestal.services.github.prs.fetcher import AsyncGitHubAuthenticatedFetcher, GitHubAuthenticatedFetcher
from vestal.services.github.prs.record import (
    FetchedCheckRun,
    FetchedCommit,
    FetchedFile,
    FetchedPRFull,
    FetchedReview,
    FetchedReviewComment,
)

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
ALL: dict[str, Any] = {"since": BEGINNING, "include_open": True, "include_drafts": True}


class StubTime:
    """The stub's clock as the library's: sleeping lets the stub's time pass, and takes none."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub

    def now(self) -> float:
        return self._stub.clock.now()

    def steady(self) -> float:
        return self._stub.clock.now()

    def sleep(self, seconds: float) -> None:
        self._stub.advance(max(seconds, 0.0))


def pool_of(stub: Stub, *tokens: str) -> Pool:
    """A pool whose owners are known."""
    members = [
        Member(f"token-{number}", StaticSource(Token(Secret(token))), stub.owner_of(token))
        for number, token in enumerate(tokens, 1)
    ]
    return Pool(members, clock=StubTime(stub), terms=TERMS, assumed_limits={"graphql": 5000, "core": 5000})


def fetcher(stub: Stub, *tokens: str, **settings: Any) -> GitHubAuthenticatedFetcher:
    """A fetcher with these tokens, or one of alice's."""
    pool = pool_of(stub, *(tokens or (stub.add_pat("alice"),)))
    return GitHubAuthenticatedFetcher(pool=pool, base_url=stub.url, clock=StubTime(stub), **settings)


def async_fetcher(stub: Stub, *tokens: str, **settings: Any) -> AsyncGitHubAuthenticatedFetcher:
    pool = pool_of(stub, *(tokens or (stub.add_pat("alice"),)))
    return AsyncGitHubAuthenticatedFetcher(pool=pool, base_url=stub.url, clock=StubTime(stub), **settings)


def truth(
    stub: Stub,
    name: str = "acme/widgets",
    wanted: Callable[[PullRequest], bool] = lambda pull: True,
    *,
    patches: bool = False,
) -> list[FetchedPRFull]:
    """The records of a repository's pull requests, the one updated last first."""
    with stub.world.lock:
        repository = stub.world.repository(name)
        records = [record(repository, pull, patches=patches) for pull in repository.pulls.values() if wanted(pull)]
    return sorted(records, key=lambda one: (one.updated_at, one.number), reverse=True)


def record(repository: Repository, pull: PullRequest, *, patches: bool = False) -> FetchedPRFull:
    author = pull.author
    return FetchedPRFull(
        github_pr_id=pull.id,
        number=pull.number,
        github_repo=repository.full_name,
        url=f"https://github.com/{repository.full_name}/pull/{pull.number}",
        title=pull.title,
        body=pull.body or "",
        state="merged" if pull.merged_at else pull.state,
        is_draft=pull.draft,
        created_at=when(pull.created_at),
        updated_at=when(pull.updated_at),
        merged_at=when(pull.merged_at) if pull.merged_at else None,
        closed_at=when(pull.closed_at) if pull.closed_at else None,
        additions=pull.additions,
        deletions=pull.deletions,
        changed_files=len(pull.files),
        commits_count=len(pull.commits),
        author_login=author.login if author else None,
        author_id=author.id if author else None,
        author_name=author.name if author else None,
        author_avatar_url=author.avatar_url if author else None,
        head_ref=pull.head_ref,
        base_ref=pull.base_ref,
        milestone_title=pull.milestone.title if pull.milestone else None,
        labels=tuple(label.name for label in pull.labels),
        assignees=tuple(user.login for user in pull.assignees),
        linked_issues=tuple(issue.number for issue in pull.linked_issues),
        commits=tuple(_commit(commit) for commit in pull.commits),
        reviews=tuple(
            FetchedReview(one.id, one.user.login if one.user else None, one.state, when(one.submitted_at), one.body)
            for one in sorted(pull.reviews, key=lambda one: (one.submitted_at or 0, one.id))
            if one.submitted_at
        ),
        review_comments=tuple(_comment(one) for one in sorted(pull.comments, key=lambda one: one.id)),
        files=tuple(
            FetchedFile(one.filename, one.status, one.additions, one.deletions, one.patch if patches else None)
            for one in pull.files
        ),
        check_runs=tuple(
            FetchedCheckRun(
                run.id,
                run.name,
                run.status,
                run.conclusion,
                when(run.started_at) if run.started_at else None,
                when(run.completed_at) if run.completed_at else None,
            )
            for run in pull.check_runs
        ),
    )


def when(seconds: float | None) -> datetime:
    assert seconds is not None
    return datetime.fromtimestamp(seconds, UTC)


def _commit(commit: Commit) -> FetchedCommit:
    return FetchedCommit(
        commit.sha,
        commit.message,
        commit.author.login if commit.author else None,
        commit.author_name,
        when(commit.committed_at),
        commit.additions,
        commit.deletions,
    )


def _comment(one: ReviewComment) -> FetchedReviewComment:
    return FetchedReviewComment(
        one.id,
        one.review_id,
        one.in_reply_to,
        one.user.login if one.user else None,
        one.path,
        one.line,
        one.body,
        when(one.created_at),
        when(one.updated_at),
    )
