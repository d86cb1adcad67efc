"""Generates a world from a seed: the same seed gives the same world, to the last comment."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.github.stub.content import fill
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
    User,
)
from tests.github.stub.world import World

END = 1_795_000_000
"""The last moment that anything happens in a generated world, unless told otherwise: 2026-11-18."""
DAY = 86_400
YEARS = 730 * DAY
_TEXT = """
    cache token parser retry index search login upload table widget layout queue worker metric report schema filter
    export import signal theme router session module packet naïve größe 東京 emoji🎉
"""
WORDS = _TEXT.split()
VERBS = ("Add", "Fix", "Remove", "Rework", "Document", "Speed up", "Bump")
PATCH = "@@ -1,3 +1,4 @@ def run():\n context\n-old line\n+new line\n+another \\n line\n context"
BIG = {41: "files", 42: "more files", 43: "checks", 44: "reviews", 45: "comments", 46: "commits"}
"""Numbers of pull requests with more of something than one page holds."""


def generate(seed: int = 1, pulls: int = 3000, *, end: int = END, full_name: str = "acme/widgets") -> World:
    """A world with one large repository of `pulls` pull requests, and small ones beside it.

    `acme/widgets` (public; or `full_name`), `acme/secret` (private, 12 pull requests), `acme/empty`, `octocat/hello`
    (12 pull requests). Every tenth number is an issue. Pull requests are spread over the two years before `end`.
    """
    world = World(seed)
    for login, name in (("octocat", "Mona Lisa"), ("alice", "Alice"), ("bob", None), ("carol", "Carol Ødegård")):
        world.add_user(login, name, email=f"{login}@example.com" if name else None)
    for n in range(20):
        world.add_user(f"dev{n:02}", f"Dev {n}")
    for login in ("dependabot[bot]", "renovate[bot]"):
        world.add_user(login, None, "Bot")
    for name, count in ((full_name, pulls), ("acme/secret", 12), ("octocat/hello", 12), ("acme/empty", 0)):
        repository = world.add_repository(name, private=name == "acme/secret", created_at=end - YEARS - DAY)
        repository.updated_at = repository.pushed_at = end
        repository.collaborators = [world.users["alice"], world.users["octocat"]]
        add_pulls(world, repository, count, end=end)
    return world


def add_pulls(world: World, repository: Repository, count: int, *, end: int = END) -> None:
    """Fill a repository with files, commits and `count` generated pull requests."""
    if count:
        fill(world, repository, end - YEARS)
    made = _Maker(world, repository, end)
    number = 0
    for n in range(count):
        number += 1
        if number % 10 == 0:
            made.issue(number)
            number += 1
        made.pull(number, end - YEARS + (YEARS - 10 * DAY) * n // count)


@dataclass(slots=True)
class _Maker:
    """Makes the pull requests of one repository."""

    world: World
    repository: Repository
    end: int

    def __post_init__(self) -> None:
        world, repository = self.world, self.repository
        creator = world.users["octocat"]
        if not repository.labels:
            for name, color in (("bug", "d73a4a"), ("enhancement", "a2eeef"), ("good first issue", "7057ff")):
                repository.labels.append(Label(world.next_id(), name, color))
            for n in (1, 2):
                title, moment = f"v{n}.0", repository.created_at
                repository.milestones.append(Milestone(world.next_id(), n, title, creator, moment))

    @property
    def random(self) -> random.Random:
        return self.world.random

    def person(self, deleted: float = 0.02) -> User | None:
        """Somebody; a bot at times; None, an account since deleted, with a probability of `deleted`."""
        chance = self.random.random()
        if chance < deleted:
            return None
        if chance > 0.93:
            return self.world.users["dependabot[bot]" if chance > 0.97 else "renovate[bot]"]
        return self.human()

    def human(self) -> User:
        return self.world.users[f"dev{int(self.random.random() ** 2 * 20):02}"]

    def issue(self, number: int) -> None:
        moment = self.repository.created_at + number
        issue = Issue(self.world.next_id(), number, f"Issue {number}", "open", self.person(), moment, moment, "Help!")
        self.repository.issues[number] = issue

    def pull(self, number: int, created: int) -> None:
        rnd, repository, big = self.random, self.repository, BIG.get(number)
        chance = rnd.random()
        created += int(rnd.random() * DAY)
        closed = min(created + int(rnd.random() ** 3 * 30 * DAY) + 60, self.end - 60) if chance < 0.85 else None
        merged = closed if chance < 0.75 else None
        author = self.person()
        words = " ".join(rnd.choice(WORDS) for _ in range(3))
        key = f"PROJ-{number}" if rnd.random() < 0.4 else None
        title = f"{key}: {VERBS[number % 7]} {words}" if key else f"{VERBS[number % 7]} {words}"
        branch = (
            f"feature/AB2-{number}-{VERBS[number % 7].split()[0].lower()}" if rnd.random() < 0.3 else f"wip-{number}"
        )
        commits = self.commits(created, author, 130 if big == "commits" else 1 + int(rnd.random() ** 2 * 6))
        head = commits[-1].sha
        files = self.files({"files": 120, "more files": 330}.get(big or "", 1 + int(rnd.random() ** 2 * 6)))
        reviews, comments = self.talk(closed or created + 5 * DAY, created, head, files, big)
        issues = [repository.issues[number // 10 * 10]] if number > 10 and rnd.random() < 0.2 else []
        body = None if rnd.random() < 0.1 else f"Does {words}.\r\n\r\n" + "".join(f"Fixes #{i.number}" for i in issues)
        updated = max([closed or created, *(r.submitted_at or 0 for r in reviews), *(c.created_at for c in comments)])
        if rnd.random() < 0.1:
            updated += int(rnd.random() * max(0, self.end - updated))
        pull = PullRequest(
            id=self.world.next_id(), number=number, title=title, body=body,
            state="open" if closed is None else "closed", draft=closed is None and rnd.random() < 0.2, author=author,
            created_at=created, updated_at=min(updated, self.end), merged_at=merged, closed_at=closed,
            merged_by=self.human() if merged else None, merge_commit_sha=self.world.sha() if merged else None,
            head_ref=branch, base_ref=repository.default_branch, head_sha=head, base_sha=commits[0].parents[0],
            labels=[label for label in repository.labels if rnd.random() < 0.2],
            assignees=[self.human()] if rnd.random() < 0.3 else [],
            milestone=rnd.choice(repository.milestones) if rnd.random() < 0.2 else None,
            commits=commits, reviews=reviews, comments=comments, files=files,
            check_runs=self.checks(created, 75 if big == "checks" else int(rnd.random() * 6)), linked_issues=issues,
            additions=sum(file.additions for file in files), deletions=sum(file.deletions for file in files),
            head_deleted=author is None,
        )  # fmt: skip
        self.world.keep(repository, pull)

    def commits(self, created: int, author: User | None, count: int) -> list[Commit]:
        rnd, parent = self.random, self.repository.history[-1] if self.repository.history else self.world.sha()
        name = (author.name or author.login) if author else "Somebody Gone"
        email = f"{author.id if author else 0}@users.example.com"
        commits = []
        for n in range(count):
            moment = created - (count - n) * 600
            message = f"Step {n + 1}" if n % 3 else f'Step {n + 1}\n\nWith a body, ünïcode, and "quotes"'
            additions, deletions = int(rnd.random() * 50), int(rnd.random() * 20)
            sha = f"{rnd.getrandbits(160):040x}"
            commits.append(
                Commit(sha, message, author, name, email, moment - 30, moment, additions, deletions, (parent,))
            )
            parent = sha
        return commits

    def files(self, count: int) -> list[File]:
        rnd, files = self.random, []
        for n in range(count):
            chance = rnd.random()
            sha = f"{rnd.getrandbits(160):040x}"
            if chance < 0.03:
                files.append(File(f"assets/{n}.png", "added", 0, 0, None, sha))
            elif chance < 0.08:
                files.append(File(f"src/new_{n}.py", "renamed", 1, 1, PATCH, sha, f"src/old_{n}.py"))
            else:
                status = "added" if chance < 0.25 else "removed" if chance < 0.3 else "modified"
                additions = 0 if status == "removed" else 1 + int(rnd.random() * 40)
                deletions = 0 if status == "added" else 1 + int(rnd.random() * 20)
                files.append(File(f"src/module_{n}.py", status, additions, deletions, PATCH, sha))
        return files

    def talk(
        self, end: int, created: int, head: str, files: list[File], big: str | None
    ) -> tuple[list[Review], list[ReviewComment]]:
        """Reviews, and the comments of each: threads with replies, which belong to reviews of their own."""
        rnd, next_id = self.random, self.world.next_id
        reviews: list[Review] = []
        comments: list[ReviewComment] = []
        moment, count = created, 110 if big in ("reviews", "comments") else int(rnd.random() ** 2 * 5)
        for n in range(count):
            moment += 1 + (end - created) // (count + 1)
            chance = rnd.random()
            state = "APPROVED" if chance < 0.4 else "CHANGES_REQUESTED" if chance < 0.5 else "COMMENTED"
            if chance > 0.95:
                state = "DISMISSED"
            review = Review(
                next_id(), self.person(0.03), state, moment, "" if n % 2 else f"Review {n}: looks fine", head
            )
            reviews.append(review)
            for _ in range(2 if big == "comments" else int(rnd.random() ** 3 * 4)):
                answered = rnd.choice(comments).thread if comments and rnd.random() < 0.4 else None
                path = next((c.path for c in comments if c.id == answered), rnd.choice(files).filename)
                line = None if rnd.random() < 0.1 else 1 + len(comments)
                body = f"Comment {len(comments) + 1}"
                comments.append(
                    ReviewComment(next_id(), review.id, review.user, path, line, body, moment, moment, answered, head)
                )
        return reviews, comments

    def checks(self, created: int, count: int) -> list[CheckRun]:
        runs = []
        for n in range(count):
            chance, start = self.random.random(), created + 5 + n
            if chance < 0.05:
                runs.append(CheckRun(self.world.next_id(), f"check-{n}", "in_progress", None, start, None))
            else:
                conclusion = "success" if chance < 0.8 else "failure" if chance < 0.9 else "skipped"
                runs.append(CheckRun(self.world.next_id(), f"check-{n}", "completed", conclusion, start, start + 90))
        return runs
