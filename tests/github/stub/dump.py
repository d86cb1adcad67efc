"""A repository as JSON: the truth that a fetched copy is compared with. Times are ISO 8601, users their logins."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from tests.github.stub.records import Label, Milestone, PullRequest, Repository, User, iso


def dump(repository: Repository) -> dict[str, Any]:
    return {
        "full_name": repository.full_name,
        "pulls": [dump_pull(repository.pulls[number]) for number in sorted(repository.pulls)],
        "issues": sorted(repository.issues),
    }


def dump_pull(pull: PullRequest) -> dict[str, Any]:
    """All fields of `PullRequest`, and `author_id`, `author_name`; issues by number, labels and milestones by name."""
    shown = {name: _plain(name, value) for name, value in _fields(pull)}
    author = pull.author
    return {
        **shown,
        "merged": pull.merged,
        "changed_files": pull.changed_files,
        "author_id": author and author.id,
        "author_name": author and author.name,
        "linked_issues": [issue.number for issue in pull.linked_issues],
    }


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, User):
        return value.login
    if isinstance(value, Label):
        return value.name
    if isinstance(value, Milestone):
        return value.title
    if name.endswith("_at"):
        return iso(value)
    if isinstance(value, list | tuple):
        return [_plain("", item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {inner: _plain(inner, item) for inner, item in _fields(value)}
    return value


def _fields(record: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(record, field.name)) for field in fields(record)]
