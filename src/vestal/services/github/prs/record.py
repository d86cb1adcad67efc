"""The record of a pull request with all that hangs on it, as plain values, and as JSON. Times are aware, in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeVar

JIRA_KEY = re.compile(r"[A-Z][A-Z0-9]+-\d+")


@dataclass(frozen=True, slots=True)
class FetchedCommit:
    """A commit of a pull request."""

    sha: str
    message: str
    author_login: str | None
    """None where the commit's e-mail address belongs to no account."""
    author_name: str | None
    committed_at: datetime
    additions: int | None
    """None, as `deletions`, where only REST answered: its lists of commits do not say."""
    deletions: int | None


@dataclass(frozen=True, slots=True)
class FetchedReview:
    """A submitted review."""

    github_review_id: int
    reviewer_login: str | None
    """None: the account was deleted."""
    state: str
    """`APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `DISMISSED`."""
    submitted_at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class FetchedReviewComment:
    """A comment on a line of the changes."""

    github_comment_id: int
    github_review_id: int | None
    in_reply_to_id: int | None
    """The first comment of its thread; None for that one itself."""
    author_login: str | None
    path: str
    line: int | None
    """None when it is outdated, or on a whole file."""
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A changed file."""

    filename: str
    status: str
    """As REST has it: `added`, `removed`, `modified`, `renamed`, `copied`, `changed`."""
    additions: int
    deletions: int
    patch: str | None = None
    """None unless patches were asked for, and for what GitHub shows none of (binary, too large)."""


@dataclass(frozen=True, slots=True)
class FetchedCheckRun:
    """A check run on the head commit."""

    github_id: int | None
    name: str
    status: str
    """In lower case, as REST has it: `queued`, `in_progress`, `completed`, ..."""
    conclusion: str | None
    """In lower case, once it is completed."""
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FetchedPRFull:
    """A pull request with all its details. Lists are in the order that REST gives them in."""

    github_pr_id: int
    number: int
    github_repo: str
    """`owner/repo`, as it is called now."""
    url: str
    title: str
    body: str
    state: str
    """`open`, `closed` or `merged`."""
    is_draft: bool
    created_at: datetime
    updated_at: datetime
    merged_at: datetime | None
    closed_at: datetime | None
    additions: int
    deletions: int
    changed_files: int
    """How many files it changes. GitHub lists 3,000 at most: see `files_missing`."""
    commits_count: int
    """How many commits it has. REST lists 250 at most: see `commits_missing`."""
    author_login: str | None
    """None: the account was deleted. A bot's ends with `[bot]`, as in REST."""
    author_id: int | None
    author_name: str | None
    author_avatar_url: str | None
    head_ref: str
    base_ref: str
    milestone_title: str | None
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    """Logins."""
    linked_issues: tuple[int, ...] = ()
    """Numbers of the issues of the same repository that it closes."""
    linked_issues_elsewhere: tuple[str, ...] = ()
    """The same of other repositories: `owner/repo#12`."""
    commits: tuple[FetchedCommit, ...] = ()
    reviews: tuple[FetchedReview, ...] = ()
    review_comments: tuple[FetchedReviewComment, ...] = ()
    files: tuple[FetchedFile, ...] = ()
    check_runs: tuple[FetchedCheckRun, ...] = ()

    @property
    def is_merged(self) -> bool:
        """Whether it was merged."""
        return self.state == "merged"

    @property
    def first_review_at(self) -> datetime | None:
        """When the first review was submitted by anybody but the author."""
        others = [review.submitted_at for review in self.reviews if not self._by_author(review)]
        return min(others, default=None)

    @property
    def review_time_hours(self) -> float | None:
        """Hours from the opening to the first review; None if there is none."""
        return _hours(self.created_at, self.first_review_at)

    @property
    def cycle_time_hours(self) -> float | None:
        """Hours from the opening to the merge; None if it is not merged."""
        return _hours(self.created_at, self.merged_at)

    @property
    def jira_key_from_title(self) -> str | None:
        """The first key of Jira's form in the title (`ABC-123`)."""
        return _jira_key(self.title)

    @property
    def jira_key_from_branch(self) -> str | None:
        """The first key of Jira's form in the name of the head branch."""
        return _jira_key(self.head_ref)

    @property
    def unfinished(self) -> bool:
        """Whether a check run is still to come to its end, which `updated_at` will not tell."""
        return any(run.status != "completed" for run in self.check_runs)

    @property
    def files_missing(self) -> int:
        """How many files GitHub does not list (it ends at 3,000)."""
        return max(0, self.changed_files - len(self.files))

    @property
    def commits_missing(self) -> int:
        """How many commits are not listed (REST ends at 250, and stands in only where GraphQL fails)."""
        return max(0, self.commits_count - len(self.commits))

    def _by_author(self, review: FetchedReview) -> bool:
        return self.author_login is not None and review.reviewer_login == self.author_login


COMPUTED = (
    "is_merged",
    "first_review_at",
    "review_time_hours",
    "cycle_time_hours",
    "jira_key_from_title",
    "jira_key_from_branch",
    "files_missing",
    "commits_missing",
)
"""What a record tells beside its fields."""

_PARTS: Mapping[str, type] = {
    "commits": FetchedCommit,
    "reviews": FetchedReview,
    "review_comments": FetchedReviewComment,
    "files": FetchedFile,
    "check_runs": FetchedCheckRun,
}

T = TypeVar("T")


def to_json(record: FetchedPRFull) -> dict[str, Any]:
    """The record as JSON has it: lists, and times in ISO 8601 with `Z`. What is computed is included."""
    return _plain(record) | {name: _value(getattr(record, name)) for name in COMPUTED}


def from_json(data: Mapping[str, Any]) -> FetchedPRFull:
    """The record that `to_json` made this of; what is computed is left aside. Raises `ValueError` if it is none."""
    try:
        return _build(FetchedPRFull, data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        trouble = f"{type(error).__name__}: {error}"
    raise ValueError(f"this is no record of a pull request ({trouble})")


def moment(text: str) -> datetime:
    """A time in ISO 8601. Raises `ValueError`."""
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def text_of(when: datetime) -> str:
    """A time in ISO 8601, with `Z`."""
    return when.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _plain(part: Any) -> dict[str, Any]:
    return {field.name: _value(getattr(part, field.name)) for field in fields(part)}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return text_of(value)
    if isinstance(value, tuple):
        return [item if isinstance(item, str | int) else _plain(item) for item in value]
    return value


def _build(kind: type[T], data: Mapping[str, Any]) -> T:
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # the kinds above are dataclasses
        value = data[field.name]
        if field.name.endswith("_at") and value is not None:
            value = moment(value)
        elif field.name in _PARTS:
            value = tuple(_build(_PARTS[field.name], item) for item in value)
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _hours(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else (end - start).total_seconds() / 3600


def _jira_key(text: str) -> str | None:
    found = JIRA_KEY.search(text)
    return found[0] if found else None
