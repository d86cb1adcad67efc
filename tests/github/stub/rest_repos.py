"""REST for a repository as a whole."""

from __future__ import annotations

from collections import Counter

from tests.github.stub.refusal import not_found
from tests.github.stub.route import Call, route
from vestal.testing.practice.message import Answer


@route("GET", "/repos/{owner}/{repo}")
def repository(call: Call) -> object:
    return call.show.whole_repository(call.repository())


@route("GET", "/repos/{owner}/{repo}/languages")
def languages(call: Call) -> object:
    return call.repository().languages


@route("GET", "/repos/{owner}/{repo}/topics")
def topics(call: Call) -> object:
    return {"names": list(call.repository().topics)}


@route("GET", "/repos/{owner}/{repo}/contributors")
def contributors(call: Call) -> object:
    """Who has commits on the default branch, the most first. Merged pull requests count as one commit."""
    repository = call.repository()
    if not repository.history:
        return Answer(204)
    authors = [repository.commits[sha].author for sha in repository.history]
    authors += [pull.author for pull in repository.pulls.values() if pull.merged]
    counted = Counter(author for author in authors if author is not None)
    found = sorted(counted.items(), key=lambda item: (-item[1], item[0].login))
    return [{**call.show.simple_user(user), "contributions": count} for user, count in call.pages(found)]


@route("GET", "/repos/{owner}/{repo}/collaborators/{user}/permission")
def permission(call: Call) -> object:
    repository, user = call.repository(), call.service.world.user(call.path["user"])
    if user is None:
        raise not_found()
    level = "admin" if user is repository.owner else "write" if user in repository.collaborators else "read"
    return {
        "permission": level,
        "role_name": level,
        "user": {
            **call.show.simple_user(user),
            "permissions": {"pull": True, "triage": False, "push": level != "read", "maintain": False, "admin": False},
            "role_name": level,
        },
    }
