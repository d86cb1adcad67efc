"""`World`: all that the stub's GitHub knows. Read it under its lock if others change it meanwhile.

world = generate(seed=1, pulls=3000)            # tests.github.stub.generate
acme = world.repository("acme/widgets")
world.change_pull(acme, 12, title="New")        # bumps updated_at
world.add_pull(acme, title="One more")
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.github.stub.records import (
    CheckRun,
    Commit,
    File,
    Issue,
    Label,
    Milestone,
    PullRequest,
    Repository,
    Review,
    ReviewComment,
    Status,
    User,
    iso,
    node_id,
)

__all__ = [
    "CheckRun", "Commit", "File", "Issue", "Label", "Milestone", "PullRequest", "Repository", "Review",
    "ReviewComment", "Status", "User", "World", "iso", "node_id",
]  # fmt: skip

Node = User | Repository | PullRequest


class World:
    """Users and repositories. All methods may be called from any thread."""

    def __init__(self, seed: int = 1, now: Callable[[], float] = time.time) -> None:
        """`now` gives `updated_at` to what is changed; the stub replaces it by its own clock."""
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self.now = now
        self.users: dict[str, User] = {}
        """By login, in lower case. Organizations as well."""
        self.repositories: dict[str, Repository] = {}
        """By full name, in lower case."""
        self.moved: dict[str, str] = {}
        """Former full names, and what they are called now; all in lower case."""
        self._ids = itertools.count(1_000)
        self._by_node_id: dict[str, Node] = {}
        self._sorted: dict[tuple[int, str, bool], tuple[int, list[PullRequest]]] = {}

    def next_id(self) -> int:
        """A database id that nothing else has."""
        return next(self._ids)

    def sha(self) -> str:
        """A new commit's or blob's name."""
        return f"{self.random.getrandbits(160):040x}"

    def add_user(self, login: str, name: str | None = None, type: str = "User", email: str | None = None) -> User:
        with self.lock:
            user = self.users[login.lower()] = User(self.next_id(), login, name, email, type)
            self._by_node_id[user.node_id] = user
            return user

    def add_repository(self, full_name: str, *, private: bool = False, created_at: int | None = None) -> Repository:
        """An empty repository; its owner becomes an organization if there is none of that name."""
        owner, _, name = full_name.partition("/")
        with self.lock:
            user = self.users.get(owner.lower()) or self.add_user(owner, owner.title(), "Organization")
            moment = int(self.now()) if created_at is None else created_at
            repository = Repository(self.next_id(), user, name, private, moment, moment, moment)
            self.repositories[full_name.lower()] = repository
            self._by_node_id[repository.node_id] = repository
            return repository

    def user(self, login: str) -> User | None:
        return self.users.get(login.lower())

    def repository(self, full_name: str) -> Repository:
        """The repository of that name now (case does not matter). Raises `KeyError`; see `moved` for former names."""
        return self.repositories[full_name.lower()]

    def rename(self, full_name: str, new_name: str) -> Repository:
        """Rename a repository; requests for its former name are redirected from now on."""
        with self.lock:
            repository = self.repositories.pop(full_name.lower())
            repository.name = new_name
            repository.version += 1
            self.repositories[repository.full_name.lower()] = repository
            self.moved[full_name.lower()] = repository.full_name.lower()
            return repository

    def node(self, global_id: str) -> Node | None:
        """What a global node id stands for: users, repositories and pull requests."""
        with self.lock:
            return self._by_node_id.get(global_id)

    def pulls(self, repository: Repository, order: str = "created_at", *, descending: bool = True) -> list[PullRequest]:
        """All pull requests in the order of `created_at` or `updated_at` (then number). Do not change the list."""
        with self.lock:
            key = (repository.id, order, descending)
            version, pulls = self._sorted.get(key, (-1, []))
            if version != repository.version:
                pulls = sorted(
                    repository.pulls.values(),
                    key=lambda pull: (pull.updated_at if order == "updated_at" else pull.created_at, pull.number),
                    reverse=descending,
                )
                self._sorted[key] = (repository.version, pulls)
            return pulls

    def change_pull(self, repository: Repository, number: int, **changes: Any) -> PullRequest:
        """Set fields of a pull request; `updated_at` becomes now, unless it is among them. Raises `KeyError`.

        Two changes within a second have the same `updated_at`, as on GitHub.
        """
        with self.lock:
            pull = repository.pulls[number]
            changes.setdefault("updated_at", max(int(self.now()), pull.updated_at))
            for name, value in changes.items():
                setattr(pull, name, value)
            repository.version += 1
            return pull

    def add_pull(self, repository: Repository, title: str = "One more", **fields: Any) -> PullRequest:
        """A new, open pull request, created now, with one commit and one file; `fields` replace what it has by default."""
        with self.lock:
            moment = int(self.now())
            number = max([0, *repository.pulls, *repository.issues]) + 1
            author = next(user for user in self.users.values() if user.type == "User")
            base = repository.history[-1] if repository.history else self.sha()
            file = File(f"src/new_{number}.py", "added", 2, 0, "@@ -0,0 +1,2 @@\n+a = 1\n+b = 2", self.sha())
            commit = Commit(
                self.sha(), title, author, author.name or author.login, f"{author.login}@example.com",
                moment, moment, 2, 0, (base,), [file],
            )  # fmt: skip
            values: dict[str, Any] = {
                "id": self.next_id(), "number": number, "title": title, "body": None, "state": "open", "draft": False,
                "author": author, "created_at": moment, "updated_at": moment, "merged_at": None, "closed_at": None,
                "merged_by": None, "merge_commit_sha": self.sha(), "head_ref": f"feature/{number}",
                "base_ref": repository.default_branch, "head_sha": commit.sha, "base_sha": base, "labels": [],
                "assignees": [], "milestone": None, "commits": [commit], "reviews": [], "comments": [],
                "files": [file], "check_runs": [], "linked_issues": [], "additions": 2, "deletions": 0,
            }  # fmt: skip
            pull = PullRequest(**values | fields)
            self.keep(repository, pull)
            return pull

    def keep(self, repository: Repository, pull: PullRequest) -> None:
        """Put a pull request into a repository."""
        repository.pulls[pull.number] = pull
        self._by_node_id[pull.node_id] = pull
        repository.commits.update((commit.sha, commit) for commit in pull.commits)
        repository.head_of[pull.head_sha] = pull.number
        repository.version += 1
