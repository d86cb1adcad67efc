"""Who makes a repository's pull requests: counted by author, the busiest first, bots left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from vestal.core.errors import VestalError
from vestal.core.pool import Pool
from vestal.services.github.call import API, Call, call
from vestal.services.github.graphql import query
from vestal.services.github.prs.answer import refused
from vestal.services.github.prs.record import FetchedPRFull, moment
from vestal.services.github.prs.shape import understood
from vestal.services.github.prs.sight import those_who_see
from vestal.services.steps import Steps, together

MOST = 15
"""How many are told of, unless said otherwise."""

BOTS = frozenset(
    {
        *("dependabot", "dependabot-preview", "renovate", "renovate-bot", "github-actions", "greenkeeper", "snyk-bot"),
        *(
            "codecov",
            "codecov-io",
            "allcontributors",
            "pre-commit-ci",
            "mergify",
            "imgbot",
            "pyup-bot",
            "semantic-release",
        ),
        *("semantic-release-bot", "k8s-ci-robot", "copilot-swe-agent"),
    }
)
"""Accounts that are programs, and do not all say so."""

LISTING = """query($owner: String!, $name: String!, $after: String) {
  rateLimit { cost }
  repository(owner: $owner, name: $name) {
    pullRequests(first: 100, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
      nodes { updatedAt author { __typename login avatarUrl ... on User { databaseId name } } }
      pageInfo { endCursor hasNextPage }
    }
  }
}"""


@dataclass(frozen=True, slots=True)
class Contributor:
    """Somebody who makes pull requests."""

    github_id: int | None
    github_login: str
    display_name: str | None
    email: str | None
    """As their profile shows it to everybody."""
    avatar_url: str | None
    pr_count: int = 0


def top_contributors(
    api: API, pool: Pool, repository: str, most: int = MOST, since: datetime | None = None
) -> Steps[list[Contributor]]:
    """The authors of the pull requests that were updated at `since` or later (None: of all), `most` people at most.

    Raises `VestalError`, as `query` and `refused`.
    """
    found = yield from _authors(api, pool, repository, since)
    ranked = rank(found, most)
    return (yield from together([_profile(api, pool, each) for each in ranked]))


def of_records(records: Iterable[FetchedPRFull], most: int = MOST) -> list[Contributor]:
    """The same of records that are at hand. They know no addresses."""
    return rank(
        (
            Contributor(each.author_id, each.author_login, each.author_name, None, each.author_avatar_url)
            for each in records
            if each.author_login is not None
        ),
        most,
    )


def rank(authors: Iterable[Contributor], most: int) -> list[Contributor]:
    """The authors of pull requests, one for each, as people with counts; by name where they are equal. Pure."""
    counts: dict[str, Contributor] = {}
    for author in authors:
        if not is_bot(author.github_login):
            known = counts.setdefault(author.github_login.lower(), author)
            counts[author.github_login.lower()] = replace(known, pr_count=known.pr_count + 1)
    return sorted(counts.values(), key=lambda each: (-each.pr_count, each.github_login.lower()))[: max(most, 0)]


def is_bot(login: str) -> bool:
    """Whether an account is a program, by its name."""
    return login.lower().endswith("[bot]") or login.lower() in BOTS


def _authors(api: API, pool: Pool, repository: str, since: datetime | None) -> Steps[list[Contributor]]:
    owner, _, name = repository.partition("/")
    found: list[Contributor] = []
    after: str | None = None
    sighted = False
    while True:
        reply = yield from query(api, pool, LISTING, {"owner": owner, "name": name, "after": after})
        shown = reply.data.get("repository")
        if not sighted and any(error.type == "NOT_FOUND" for error in reply.errors):
            pool, sighted = (yield from those_who_see(api, pool, repository)), True
            continue
        if not isinstance(shown, dict) or reply.errors:
            raise refused(repository, reply.errors)
        people, after = understood(partial(_page, shown, since, after), f"the pull requests of {repository}")
        found.extend(people)
        if after is None:
            return found


def _page(shown: dict[str, Any], since: datetime | None, after: str | None) -> tuple[list[Contributor], str | None]:
    """The authors of a page, and where the next one begins, if there is any that matters."""
    nodes = [node for node in shown["pullRequests"]["nodes"] if node is not None]
    wanted = [node for node in nodes if since is None or moment(node["updatedAt"]) >= since]
    people, page = list(_people(wanted)), shown["pullRequests"]["pageInfo"]
    if len(wanted) < len(nodes) or not page["hasNextPage"]:
        return people, None
    following = page["endCursor"]
    if not isinstance(following, str) or following == after:
        raise ValueError("the listing does not go on")
    return people, following


def _people(nodes: Iterable[dict[str, Any]]) -> Iterator[Contributor]:
    """The authors that have an account, and are no bots."""
    for node in nodes:
        author = node["author"]
        if author is not None and author["__typename"] != "Bot":
            yield Contributor(
                author.get("databaseId"), author["login"], author.get("name"), None, author.get("avatarUrl")
            )


def _profile(api: API, pool: Pool, person: Contributor) -> Steps[Contributor]:
    """With what the profile says. GraphQL gives addresses to tokens with the scope `user:email` only, REST to all.

    https://docs.github.com/en/rest/users/users#get-a-user
    """
    try:
        response = yield from call(api, pool, Call("GET", f"/users/{quote(person.github_login, safe='')}"))
    except VestalError as error:
        if error.code != "not_found":
            raise
        return person  # renamed or deleted meanwhile
    told = response.data if isinstance(response.data, dict) else {}
    return replace(
        person,
        github_id=told.get("id") or person.github_id,
        display_name=told.get("name") or person.display_name,
        email=told.get("email") or None,
        avatar_url=told.get("avatar_url") or person.avatar_url,
    )
