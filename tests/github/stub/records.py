"""What GitHub keeps, as plain records: users, pull requests and all that hangs on them. Times are epoch seconds (int)."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

State = Literal["open", "closed"]


def iso(moment: float | None) -> str | None:
    """A time as GitHub writes it: `2026-11-22T03:34:51Z`. None stays None."""
    return None if moment is None else datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(prefix: str, number: int | str) -> str:
    """A global node id: opaque to clients, but it says what it stands for (`PR_...`, `U_...`)."""
    return f"{prefix}_{base64.urlsafe_b64encode(f'{number}'.encode()).decode().rstrip('=')}"


@dataclass(slots=True, eq=False)
class User:
    """A person, a bot or an organization. `type`: `User`, `Bot` or `Organization`."""

    id: int
    login: str
    name: str | None = None
    email: str | None = None
    type: str = "User"

    @property
    def node_id(self) -> str:
        return node_id({"User": "U", "Bot": "BOT", "Organization": "O"}[self.type], self.id)

    @property
    def avatar_url(self) -> str:
        return f"https://avatars.githubusercontent.com/u/{self.id}?v=4"


@dataclass(slots=True, eq=False)
class File:
    """A changed file. `status`: added, removed, modified, renamed. `patch` is None for binary and for huge ones."""

    filename: str
    status: str
    additions: int
    deletions: int
    patch: str | None
    sha: str
    previous_filename: str | None = None


@dataclass(slots=True, eq=False)
class Commit:
    """A commit. `author` is None where the e-mail address belongs to nobody."""

    sha: str
    message: str
    author: User | None
    author_name: str
    author_email: str
    authored_at: int
    committed_at: int
    additions: int
    deletions: int
    parents: tuple[str, ...] = ()
    files: list[File] = field(default_factory=list)
    """Empty for those of generated pull requests (REST then makes one file of the sums)."""

    @property
    def node_id(self) -> str:
        return node_id("C", self.sha)


@dataclass(slots=True, eq=False)
class Review:
    """`state`: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED; PENDING ones have no `submitted_at`."""

    id: int
    user: User | None
    state: str
    submitted_at: int | None
    body: str
    commit_sha: str

    @property
    def node_id(self) -> str:
        return node_id("PRR", self.id)


@dataclass(slots=True, eq=False)
class ReviewComment:
    """A comment on a line. The first of a thread has no `in_reply_to`; the thread's id is the id of its first comment."""

    id: int
    review_id: int
    user: User | None
    path: str
    line: int | None
    """None when outdated."""
    body: str
    created_at: int
    updated_at: int
    in_reply_to: int | None
    commit_sha: str

    @property
    def node_id(self) -> str:
        return node_id("PRRC", self.id)

    @property
    def thread(self) -> int:
        return self.in_reply_to if self.in_reply_to is not None else self.id


@dataclass(slots=True, eq=False)
class CheckRun:
    """`status`: queued, in_progress, completed; `conclusion` (lower case) only when completed."""

    id: int
    name: str
    status: str
    conclusion: str | None
    started_at: int | None
    completed_at: int | None

    @property
    def node_id(self) -> str:
        return node_id("CR", self.id)


@dataclass(slots=True, eq=False)
class Label:
    id: int
    name: str
    color: str

    @property
    def node_id(self) -> str:
        return node_id("LA", self.id)


@dataclass(slots=True, eq=False)
class Milestone:
    id: int
    number: int
    title: str
    creator: User
    created_at: int

    @property
    def node_id(self) -> str:
        return node_id("MI", self.id)


@dataclass(slots=True, eq=False)
class Issue:
    id: int
    number: int
    title: str
    state: State
    author: User | None
    created_at: int
    updated_at: int
    body: str | None = None
    closed_at: int | None = None

    @property
    def node_id(self) -> str:
        return node_id("I", self.id)


@dataclass(slots=True, eq=False)
class Status:
    """A commit status. `state`: error, failure, pending, success."""

    id: int
    state: str
    context: str
    description: str | None
    target_url: str | None
    creator: User | None
    created_at: int
    updated_at: int

    @property
    def node_id(self) -> str:
        return node_id("SC", self.id)


@dataclass(slots=True, eq=False)
class PullRequest:
    """With all that belongs to it. Change it with `World.change_pull`, which bumps `updated_at`."""

    id: int
    number: int
    title: str
    body: str | None
    state: State
    """`closed` when merged as well."""
    draft: bool
    author: User | None
    """None: the account was deleted."""
    created_at: int
    updated_at: int
    merged_at: int | None
    closed_at: int | None
    merged_by: User | None
    merge_commit_sha: str | None
    head_ref: str
    base_ref: str
    head_sha: str
    base_sha: str
    labels: list[Label]
    assignees: list[User]
    milestone: Milestone | None
    commits: list[Commit]
    """Oldest first; the last is the head."""
    reviews: list[Review]
    """In the order of `submitted_at`."""
    comments: list[ReviewComment]
    """Of all threads, in the order of `created_at`."""
    files: list[File]
    check_runs: list[CheckRun]
    """On the head commit."""
    linked_issues: list[Issue]
    """What it closes (GraphQL: closingIssuesReferences)."""
    additions: int
    deletions: int
    head_deleted: bool = False
    """The head's repository is gone: `head.repo` is null."""

    @property
    def node_id(self) -> str:
        return node_id("PR", self.id)

    @property
    def merged(self) -> bool:
        return self.merged_at is not None

    @property
    def changed_files(self) -> int:
        return len(self.files)

    @property
    def threads(self) -> list[list[ReviewComment]]:
        """The comments by thread, threads in the order of their first comment."""
        threads: dict[int, list[ReviewComment]] = {}
        for comment in self.comments:
            threads.setdefault(comment.thread, []).append(comment)
        return list(threads.values())


@dataclass(slots=True, eq=False)
class Repository:
    """A repository. `pulls` and `issues` share their numbers, as on GitHub."""

    id: int
    owner: User
    name: str
    private: bool
    created_at: int
    updated_at: int
    pushed_at: int
    description: str | None = None
    default_branch: str = "main"
    topics: tuple[str, ...] = ()
    license: str | None = None
    """SPDX id, of `MIT` and `Apache-2.0`."""
    languages: dict[str, int] = field(default_factory=dict)
    """Bytes, the most first."""
    tree: dict[str, bytes] = field(default_factory=dict)
    """The files of the default branch, by path."""
    history: list[str] = field(default_factory=list)
    """The commits of the default branch, oldest first (sha)."""
    commits: dict[str, Commit] = field(default_factory=dict)
    """All commits by sha: of the default branch and of all pull requests."""
    head_of: dict[str, int] = field(default_factory=dict)
    """The number of the pull request whose head a commit (sha) is."""
    statuses: dict[str, list[Status]] = field(default_factory=dict)
    """By sha, newest first."""
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    milestones: list[Milestone] = field(default_factory=list)
    collaborators: list[User] = field(default_factory=list)
    """Who may see it if it is private, and write to it, beside its owner."""
    version: int = 0
    """Grows with every change."""

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def node_id(self) -> str:
        return node_id("R", self.id)
