"""What names of commits stand for: shas, branches, `HEAD`; and what lies between two commits."""

from __future__ import annotations

from tests.github.stub.records import Commit, Repository
from tests.github.stub.refusal import Refused


def commit_named(repository: Repository, name: str) -> Commit:
    """The commit of that name. Raises `Refused` (422; 409 in an empty repository)."""
    if not repository.history:
        raise Refused(409, "Git Repository is empty.")
    name = name.rpartition(":")[2].removeprefix("refs/").removeprefix("heads/")
    commit = repository.commits.get(name)
    if commit is None and name in (repository.default_branch, "HEAD"):
        commit = repository.commits[repository.history[-1]]
    if commit is None:
        head = next((pull.head_sha for pull in repository.pulls.values() if pull.head_ref == name), "")
        commit = repository.commits.get(head)
    if commit is None and len(name) >= 7:
        commit = next((found for sha, found in repository.commits.items() if sha.startswith(name)), None)
    if commit is None:
        raise Refused(422, f"No commit found for SHA: {name}")
    return commit


def ancestors(repository: Repository, commit: Commit) -> dict[str, Commit]:
    """A commit and all before it, the newest first."""
    found: dict[str, Commit] = {}
    waiting = [commit]
    while waiting:
        one = waiting.pop()
        if one.sha not in found:
            found[one.sha] = one
            waiting += [repository.commits[sha] for sha in one.parents if sha in repository.commits]
    return found


def between(repository: Repository, base: Commit, head: Commit) -> tuple[list[Commit], int, Commit]:
    """What `head` has and `base` has not, oldest first; how many the other way round; and where they parted."""
    of_base, of_head = ancestors(repository, base), ancestors(repository, head)
    ahead = [commit for sha, commit in of_head.items() if sha not in of_base]
    common = [commit for sha, commit in of_head.items() if sha in of_base]
    parted = max(common, key=lambda commit: commit.committed_at, default=base)
    return ahead[::-1], sum(sha not in of_head for sha in of_base), parted
