"""People, labels and issues as GraphQL shows them: dicts by the schema's field names."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from tests.github.stub.graphql_page import Info, View
from tests.github.stub.records import Issue, Label, Milestone, Repository, User, iso

SITE = "https://github.com"
time = lru_cache(maxsize=65_536)(iso)


def _avatar(user: User) -> Callable[..., str]:
    def avatar(info: Info, size: int | None = None) -> str:
        return user.avatar_url + (f"&s={size}" if size else "")

    return avatar


def person(user: User, *, type: str | None = None, login: str | None = None) -> View:
    """An account, of the type that the schema demands where it is not its own."""
    login = login or user.login
    kind = type or user.type
    path = f"/apps/{login.removesuffix('[bot]')}" if user.type == "Bot" else f"/{login}"
    return {
        "__typename": kind,
        "id": user.node_id,
        "databaseId": user.id,
        "login": login,
        "name": user.name,
        # GitHub has no null here for a user: an address that is not public is an empty text
        "email": user.email or ("" if kind == "User" else None),
        "avatarUrl": _avatar(user),
        "resourcePath": path,
        "url": SITE + path,
    }


def actor(user: User | None) -> View | None:
    """Who did something; None if the account was deleted. A bot's login lacks the `[bot]` that REST puts behind it."""
    return None if user is None else person(user, login=user.login.removesuffix("[bot]"))


def git_actor(user: User | None, name: str, email: str, date: int) -> View:
    """Who wrote a commit. The schema has a `User` here for bots as well, and there its login keeps the `[bot]`."""
    return {
        "name": name,
        "email": email,
        "date": time(date),
        "user": user and person(user, type="User"),
        "avatarUrl": _avatar(user) if user else "https://avatars.githubusercontent.com/u/0?v=4",
    }


def label(label: Label) -> View:
    return {"id": label.node_id, "name": label.name, "color": label.color}


def milestone(repository: Repository, milestone: Milestone | None) -> View | None:
    if milestone is None:
        return None
    return {
        "id": milestone.node_id,
        "number": milestone.number,
        "title": milestone.title,
        "state": "OPEN",
        "url": f"{SITE}/{repository.full_name}/milestone/{milestone.number}",
    }


def issue(repository: Repository, issue: Issue, show: Callable[[Repository], View]) -> View:
    """`show` makes the repository's own view."""
    return {
        "__typename": "Issue",
        "id": issue.node_id,
        "databaseId": issue.id,
        "fullDatabaseId": str(issue.id),
        "number": issue.number,
        "title": issue.title,
        "url": f"{SITE}/{repository.full_name}/issues/{issue.number}",
        "state": issue.state.upper(),
        "repository": lambda info: show(repository),
    }


def sorted_labels(labels: list[Label], order: dict[str, str]) -> list[Label]:
    """Labels in a `LabelOrder`; their ids are given in the order of creation."""
    by_name = order["field"] == "NAME"
    return sorted(
        labels, key=lambda label: (label.name if by_name else "", label.id), reverse=order["direction"] == "DESC"
    )
