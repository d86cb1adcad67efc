"""The GraphQL documents, and what they cost.

https://docs.github.com/en/graphql/reference/objects#pullrequest. GitHub charges a query by the connections it may have to
fetch: one for each parent, whatever the length of the page, divided by 100. So the pages of what hangs on a pull request
directly are long, and those that hold connections in turn (review threads with their comments) are short; what does not fit
is asked for afterwards, many pull requests in one query as well.
https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PAGE = 100
"""The longest page that GitHub gives."""

THREADS, COMMENTS = 10, 10
"""Review threads of a pull request, and comments of each, in the first query."""

MORE_THREADS = 50
"""Review threads in a query for more of them."""

LISTING = """query($owner: String!, $name: String!, $first: Int!, $after: String) {
  rateLimit { cost }
  repository(owner: $owner, name: $name) {
    nameWithOwner
    isPrivate
    pullRequests(first: $first, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}) {
      edges { cursor node { number updatedAt state isDraft } }
      pageInfo { hasNextPage }
    }
  }
}"""

_INFO = "pageInfo { endCursor hasNextPage }"
_COMMENT = (
    "fullDatabaseId path line body createdAt updatedAt author { __typename login } "
    "replyTo { fullDatabaseId } pullRequestReview { fullDatabaseId state }"
)
NODES: Mapping[str, str] = {
    "labels": "name",
    "assignees": "login",
    "commits": "commit { oid message committedDate additions deletions author { name user { login } } }",
    "reviews": "fullDatabaseId state submittedAt body author { __typename login }",
    "reviewThreads": f"id comments(first: {COMMENTS}) {{ nodes {{ {_COMMENT} }} {_INFO} }}",
    "comments": _COMMENT,
    "files": "path additions deletions changeType",
    "closingIssuesReferences": "number repository { nameWithOwner }",
    "contexts": "... on CheckRun { databaseId name status conclusion startedAt completedAt }",
}
"""What is asked for of each node of a connection."""

FIRST: Mapping[str, int] = {
    "labels": 50,
    "assignees": 10,
    "commits": PAGE,
    "reviews": PAGE,
    "reviewThreads": THREADS,
    "files": PAGE,
    "closingIssuesReferences": 20,
    "contexts": 50,
}
"""How long the first page of each connection of a pull request is."""

_FIELDS = """id fullDatabaseId number title body url state isDraft createdAt updatedAt mergedAt closedAt
  additions deletions changedFiles headRefName baseRefName milestone { title }
  author { __typename login avatarUrl ... on User { databaseId name } ... on Bot { databaseId }
    ... on Organization { databaseId name } ... on Mannequin { databaseId } ... on EnterpriseUserAccount { name } }"""


@dataclass(frozen=True, slots=True)
class More:
    """A connection that goes on: of which pull request, what it hangs on (a node id), and where."""

    number: int
    node: str
    connection: str
    after: str


def details(numbers: Sequence[int], *, files: bool = True) -> str:
    """The query for pull requests, each under the name `pr_NUMBER`. `files`: with what they change."""
    aliases = "\n".join(f"    pr_{number}: pullRequest(number: {number}) {{ ...all }}" for number in numbers)
    connections = "\n".join(
        f"  statusCheckRollup {{ {_connection(name, first)} }}"
        if name == "contexts"
        else f"  {_connection(name, first)}"
        for name, first in FIRST.items()
        if files or name != "files"
    )
    return (
        "query($owner: String!, $name: String!) {\n  rateLimit { cost }\n"
        f"  repository(owner: $owner, name: $name) {{\n    nameWithOwner\n{aliases}\n  }}\n}}\n"
        f"fragment all on PullRequest {{\n  {_FIELDS}\n{connections}\n}}"
    )


def more(wanted: Sequence[More]) -> str:
    """The query for the next pages of connections, each under the name `more_INDEX`."""
    parts = "\n".join(f"  more_{index}: {_more(item)}" for index, item in enumerate(wanted))
    return f"query {{\n  rateLimit {{ cost }}\n{parts}\n}}"


def cost_of_details(count: int, *, files: bool = True) -> int:
    """Points that a query for so many pull requests costs."""
    return _points([count * (len(FIRST) - (not files) + THREADS)])


def cost_of_more(wanted: Iterable[More]) -> int:
    """Points that a query for more costs."""
    return _points(1 + (MORE_THREADS if item.connection == "reviewThreads" else 0) for item in wanted)


def _points(requests: Iterable[int]) -> int:
    return max(1, (sum(requests) + 50) // 100)


def _connection(name: str, first: int, after: str | None = None) -> str:
    start = "" if after is None else f", after: {json.dumps(after)}"
    count = "totalCount " if name == "commits" else ""
    return f"{name}(first: {first}{start}) {{ {count}nodes {{ {NODES[name]} }} {_INFO} }}"


def _more(item: More) -> str:
    name = item.connection
    text = _connection(name, MORE_THREADS if name == "reviewThreads" else PAGE, item.after)
    if name == "contexts":
        text = f"statusCheckRollup {{ {text} }}"
    kind = "PullRequestReviewThread" if name == "comments" else "PullRequest"
    return f"node(id: {json.dumps(item.node)}) {{ ... on {kind} {{ {text} }} }}"
