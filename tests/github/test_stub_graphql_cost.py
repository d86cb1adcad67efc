from __future__ import annotations

import pytest
from graphql import parse

from tests.github.stub.graphql_cost import Cost, cost_and_nodes

# https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api, its examples in order
SIMPLE = """query { viewer { repositories(first: 50) { edges { repository: node { name
    issues(first: 10) { totalCount edges { node { title bodyHTML } } } } } } } }"""
COMPLEX = """query { viewer {
    repositories(first: 50) { edges { repository: node { name
      pullRequests(first: 20) { edges { pullRequest: node { title
        comments(first: 10) { edges { comment: node { bodyHTML } } } } } }
      issues(first: 20) { totalCount edges { issue: node { title bodyHTML
        comments(first: 10) { edges { comment: node { bodyHTML } } } } } } } } }
    followers(first: 10) { edges { follower: node { login } } } } }"""
LABELS = """query { viewer { login repositories(first: 100) { edges { node { id
    issues(first: 50) { edges { node { id labels(first: 60) { edges { node { id name } } } } } } } } } } }"""


def cost(query: str, **variables: object) -> Cost:
    return cost_and_nodes(parse(query), variables)


def test_the_examples_of_the_documentation() -> None:
    assert cost(SIMPLE).nodes == 50 + 50 * 10
    assert cost(COMPLEX).nodes == 22_060
    assert cost(LABELS).points == 51  # of 1 + 100 + 100 * 50 requests
    assert cost(LABELS).nodes == 100 + 5_000 + 300_000


@pytest.mark.parametrize(
    ("issues", "points"), [(0, 1), (49, 1), (148, 1), (149, 2), (248, 2), (249, 3)], ids=lambda value: str(value)
)
def test_requests_are_divided_by_100_and_rounded_to_the_nearest_and_at_least_1(issues: int, points: int) -> None:
    fields = " ".join(f"i{n}: issue(number: {n}) {{ labels(first: 1) {{ nodes {{ name }} }} }}" for n in range(issues))
    query = f"{{ repository(owner: a, name: b) {{ pullRequests(last: 1) {{ nodes {{ id }} }} {fields} }} }}"

    assert cost(query) == (points, 1 + issues)


def test_a_connection_that_two_fragments_ask_for_is_fetched_once_and_one_under_two_names_twice() -> None:
    page = "pullRequests(first: 100) { nodes { files(first: 50) { nodes { path } } } }"
    once = f"query {{ r {{ ...a ... on R {{ {page} }} }} }} fragment a on R {{ {page} }}"
    twice = f"{{ r {{ {page} again: {page} }} }}"

    assert cost(once) == (1, 5_100)
    assert cost(twice) == (2, 10_200)


def test_fragments_may_ask_the_same_connection_for_different_things() -> None:
    query = """{ r { ...a ...b } }
        fragment a on R { pullRequests(first: 100) { nodes { files(first: 50) { nodes { path } } } } }
        fragment b on R { pullRequests(first: 100) { nodes { labels(first: 5) { nodes { name } } } } }"""

    assert cost(query) == (2, 100 + 5_000 + 500)


def test_lengths_come_from_variables_and_their_defaults() -> None:
    query = "query ($n: Int = 7, $m: Int!) { r { a(first: $n) { nodes { b(last: $m) { nodes { id } } } } } }"

    assert cost(query, m=3).nodes == 7 + 21
    assert cost(query, m=3, n=10).nodes == 10 + 30


def test_what_is_skipped_costs_nothing() -> None:
    query = """query ($with: Boolean!) { r { a(first: 10) @include(if: $with) { nodes { id } }
        ... on R @skip(if: $with) { b(first: 20) { nodes { id } } } } }"""

    assert cost(query, **{"with": True}).nodes == 10
    assert cost(query, **{"with": False}).nodes == 20


def test_a_connection_that_is_only_counted_is_a_request_for_each_parent_and_no_nodes() -> None:
    assert cost("{ r { a(first: 100) { nodes { b { totalCount } c { totalCount } } } } }") == (2, 100)


def test_each_of_several_ids_is_a_parent() -> None:
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on PullRequest { files(first: 100) { nodes { path } } } } }"

    assert cost(query, ids=["a"] * 80).nodes == 8_000
    assert cost(query, ids=["a"] * 50 * 3).points == 2


def test_of_several_operations_the_named_one_counts() -> None:
    document = parse("query a { r { x(first: 1) { nodes { id } } } } query b { r { x(first: 2) { nodes { id } } } }")

    assert cost_and_nodes(document, {}, "b").nodes == 2
    with pytest.raises(LookupError):
        cost_and_nodes(document, {})
