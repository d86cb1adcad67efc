"""Errors as GitHub sends them: with status 200, a type, and whatever data there is beside them."""

from __future__ import annotations

import base64
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.github.stub.generate import generate
from tests.github.stub.graphql import Caller, Cost, cost_of, execute
from tests.github.stub.world import World

WIDGETS = '{{ repository(owner: "acme", name: "widgets") {{ {} }} }}'


@pytest.fixture(scope="module")
def world() -> World:
    return generate(seed=5, pulls=12)


def ask(world: World, query: object, variables: object = None, caller: Caller | None = None, **more: object) -> Any:
    request = {"query": query, "variables": variables, **more}
    return cast(dict[str, Any], execute(world, request, caller or Caller())[0])


def test_a_repository_that_is_not_there(world: World) -> None:
    assert ask(world, '{\n  repository(owner: "acme", name: "nope") { id }\n}') == {
        "data": {"repository": None},
        "errors": [
            {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "locations": [{"line": 2, "column": 3}],
                "message": "Could not resolve to a Repository with the name 'acme/nope'.",
            }
        ],
    }


def test_what_the_caller_does_not_see_is_not_found(world: World) -> None:
    secret = world.repository("acme/secret")
    pull = secret.pulls[1]
    query = """query ($id: ID!) { repository(owner: "acme", name: "secret") { id } node(id: $id) { id } }"""
    caller = Caller(sees=lambda repository: not repository.private)

    assert ask(world, query, {"id": pull.node_id})["data"]["node"] == {"id": pull.node_id}
    hidden = ask(world, query, {"id": pull.node_id}, caller)
    assert hidden["data"] == {"repository": None, "node": None}
    assert [error["type"] for error in hidden["errors"]] == ["NOT_FOUND", "NOT_FOUND"]


def test_one_part_that_fails_leaves_the_others_alone(world: World) -> None:
    query = WIDGETS.format("one: pullRequest(number: 1) { number } none: pullRequest(number: 999) { number }")

    body = ask(world, query)

    assert body["data"] == {"repository": {"one": {"number": 1}, "none": None}}
    (error,) = body["errors"]
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["repository", "none"])
    assert error["message"] == "Could not resolve to a PullRequest with the number of 999."


@pytest.mark.parametrize("id", ["PR_kwDO", "PR_", "", "*", "PRRT_MTAwMA", "C_bm9wZQ", "X_MTAwMA"])
def test_an_id_of_nothing_leaves_a_gap_in_the_list(world: World, id: str) -> None:
    known = world.repository("acme/widgets").pulls[1].node_id

    body = ask(world, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [known, id]})

    assert body["data"] == {"nodes": [{"id": known}, None]}
    (error,) = body["errors"]
    assert (error["type"], error["path"]) == ("NOT_FOUND", ["nodes", 1])
    assert error["message"] == f"Could not resolve to a node with the global id of '{id}'."


def test_a_hundred_ids_are_the_most(world: World) -> None:
    body = ask(world, "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x"] * 101})

    assert body["data"] is None
    assert body["errors"][0]["type"] == "ARGUMENT_LIMIT"
    assert body["errors"][0]["message"] == "You may not provide more than 100 node ids; you provided 101."


@pytest.mark.parametrize(
    ("field", "type", "message"),
    [
        (
            "reviews { totalCount nodes { id } }",
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the `reviews` connection.",
        ),
        (
            "reviews(first: null) { ...page }",
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the `reviews` connection.",
        ),
        (
            "reviews(first: 101) { totalCount }",
            "EXCESSIVE_PAGINATION",
            "Requesting 101 records on the `reviews` connection exceeds the `first` limit of 100 records.",
        ),
        (
            "reviews(last: 250) { totalCount }",
            "EXCESSIVE_PAGINATION",
            "Requesting 250 records on the `reviews` connection exceeds the `last` limit of 100 records.",
        ),
        (
            "reviews(first: 1, last: 1) { totalCount }",
            "UNPROCESSABLE",
            "Passing both `first` and `last` values to paginate the `reviews` connection is not supported.",
        ),
        (
            "reviews(first: 0) { totalCount }",
            "UNPROCESSABLE",
            "`first` on the `reviews` connection must be within 1-100.",
        ),
        (
            'reviews(first: 1, after: "no cursor") { totalCount }',
            "INVALID_CURSOR_ARGUMENTS",
            "`no cursor` does not appear to be a valid cursor.",
        ),
        (
            'reviews(last: 1, before: "Y3Vyc29yOnYyOlsiYSJd") { totalCount }',  # of a connection that sorts by a text
            "INVALID_CURSOR_ARGUMENTS",
            "`Y3Vyc29yOnYyOlsiYSJd` does not appear to be a valid cursor.",
        ),
    ],
)
def test_bounds_of_a_page(field: str, type: str, message: str) -> None:
    world = generate(seed=5, pulls=50)  # the forty-fourth has a hundred reviews
    query = WIDGETS.format(f"id pullRequest(number: 44) {{ number {field} }}")
    query += " fragment page on PullRequestReviewConnection { nodes { id } }" if "...page" in query else ""

    body = ask(world, query)

    (error,) = body["errors"]
    assert (error["type"], error["message"]) == (type, message)
    assert error["path"] == ["repository", "pullRequest", "reviews"]
    assert body["data"]["repository"]["pullRequest"] == {"number": 44, "reviews": None}


@given(
    st.text() | st.text().map(lambda text: base64.b64encode(b"cursor:v2:" + text.encode("utf-8", "replace")).decode())
)
def test_whatever_is_sent_as_a_cursor_is_a_page_or_no_valid_cursor(world: World, cursor: str) -> None:
    query = "query ($after: String) " + WIDGETS.format("pullRequests(first: 1, after: $after) { totalCount }")

    body = ask(world, query, {"after": cursor})

    assert [error["type"] for error in body.get("errors", [])] in ([], ["INVALID_CURSOR_ARGUMENTS"])


def test_where_null_is_not_allowed_it_spreads_to_what_is_around(world: World) -> None:
    body = ask(world, WIDGETS.format("id pullRequests { nodes { id } }"))

    assert body["data"] == {"repository": None}
    assert body["errors"][0]["path"] == ["repository", "pullRequests"]


def test_more_than_half_a_million_nodes(world: World) -> None:
    inner = "reviewThreads(first: 100) { nodes { comments(first: 50) { nodes { body } } } }"
    query = WIDGETS.format(f"pullRequests(first: 100) {{ nodes {{ {inner} }} }}")

    body, points = execute(world, {"query": query})

    assert points == 0
    assert body == {
        "errors": [
            {
                "type": "MAX_NODE_LIMIT_EXCEEDED",
                "message": "This query requests up to 510,100 possible nodes which exceeds the maximum limit of 500,000.",
            }
        ]
    }
    assert "errors" not in ask(world, query.replace("50)", "48)"))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "A query attribute must be specified"),
        ({"query": " "}, "A query attribute must be specified"),
        ({"query": 5}, "A query attribute must be specified"),
        ({"query": "{ viewer {"}, "Syntax Error"),
        ({"query": "{ viewer { nope } }"}, "Cannot query field 'nope' on type 'User'"),
        ({"query": "{ viewer }"}, "must have a selection of subfields"),
        ({"query": "query ($id: ID!) { node(id: $id) { id } }"}, "$id"),
        ({"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {"id": [1]}}, "$id"),
        ({"query": "{ rateLimit { cost } }", "variables": "id"}, "Variables are invalid JSON"),
        ({"query": "query a { viewer { id } } query b { viewer { id } }"}, "An operation name is required"),
        ({"query": "query a { viewer { id } }", "operationName": "b"}, 'No operation named "b"'),
    ],
)
def test_what_cannot_be_run_has_errors_no_data_and_no_cost(
    world: World, request_: dict[str, object], message: str
) -> None:
    body, points = execute(world, request_)

    assert points == 0
    assert set(body) == {"errors"}
    assert message in cast(dict[str, Any], body)["errors"][0]["message"]
    if "variables" not in request_ and "$id" not in message:
        assert cost_of(request_) == Cost(0, 0)
