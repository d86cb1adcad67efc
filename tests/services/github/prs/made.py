"""Records of pull requests, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from vestal.services.github.prs.archive import Listed
from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import (
    FetchedCheckRun,
    FetchedCommit,
    FetchedFile,
    FetchedPRFull,
    FetchedReview,
    FetchedReviewComment,
)

START = datetime(2026, 10, 1, tzinfo=UTC)
WIDGETS = FetchOptions("acme/widgets", since=START)
AWKWARD = '=HYPERLINK("x"), \'1\';\r\nline\t"two"\u2028\\ naïve 東京 🎉 \x00'


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def listed(number: int, hours: float | None = None) -> Listed:
    return Listed(number, at(number if hours is None else hours))


def record(number: int, hours: float | None = None, **changes: Any) -> FetchedPRFull:
    """A record with something in every list."""
    updated_at = at(number if hours is None else hours)
    values: dict[str, Any] = {
        "github_pr_id": 1000 + number,
        "number": number,
        "github_repo": "acme/widgets",
        "url": f"https://github.com/acme/widgets/pull/{number}",
        "title": f"PROJ-{number}: {AWKWARD}",
        "body": "" if number % 2 else AWKWARD,
        "state": "merged",
        "is_draft": False,
        "created_at": START - timedelta(days=3),
        "updated_at": updated_at,
        "merged_at": updated_at,
        "closed_at": updated_at,
        "additions": 3,
        "deletions": 0,
        "changed_files": 1,
        "commits_count": 2,
        "author_login": None if number % 3 else "alice",
        "author_id": None if number % 3 else 7,
        "author_name": None,
        "author_avatar_url": None,
        "head_ref": "feature",
        "base_ref": "main",
        "milestone_title": None,
        "labels": ("bug", "good first issue"),
        "assignees": ("bob",),
        "linked_issues": (3, 4),
        "linked_issues_elsewhere": ("acme/other#1",),
        "commits": tuple(FetchedCommit(f"{n}" * 40, AWKWARD, None, "A", START, n or None, 0) for n in range(2)),
        "reviews": (FetchedReview(5, "carol", "APPROVED", updated_at, AWKWARD),),
        "review_comments": (FetchedReviewComment(6, None, None, "bob", "a.py", None, "x", START, updated_at),),
        "files": (FetchedFile("a.py", "modified", 3, 0, None),),
        "check_runs": (FetchedCheckRun(9, "ci", "completed", "success", START, None),),
    }
    return FetchedPRFull(**values | changes)


def running(number: int, hours: float | None = None) -> FetchedPRFull:
    """A record with a check run that has not ended."""
    start = at(number if hours is None else hours)
    return record(number, hours, check_runs=(FetchedCheckRun(9, "ci", "in_progress", None, start, None),))
