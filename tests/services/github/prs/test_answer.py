from __future__ import annotations

from typing import Any

import pytest

from vestal.core.errors import HTTPError, PermissionDenied
from vestal.services.github.graphql import GraphQLError, GraphQLReply
from vestal.services.github.prs.answer import Sorted, sort_out

ONE, TWO = {"number": 1}, {"number": 2}


def sort(data: dict[str, Any], *errors: GraphQLError) -> Sorted:
    return sort_out(GraphQLReply(data, errors), ["pr_1", "pr_2"], "repository", "acme/widgets")


def test_all_of_it() -> None:
    found = sort({"repository": {"pr_1": ONE, "pr_2": TWO}})
    assert found == Sorted(whole={"pr_1": ONE, "pr_2": TWO})


@pytest.mark.parametrize("path", [("repository", "pr_1"), ("repository", "pr_1", "reviews", "nodes", 3)])
def test_one_is_broken(path: tuple[str | int, ...]) -> None:
    found = sort({"repository": {"pr_1": ONE, "pr_2": TWO}}, GraphQLError("oops", "", path))
    assert found == Sorted(whole={"pr_2": TWO}, again=["pr_1"])


def test_one_is_gone() -> None:
    found = sort({"repository": {"pr_1": None, "pr_2": TWO}}, GraphQLError("?", "NOT_FOUND", ("repository", "pr_1")))
    assert found == Sorted(whole={"pr_2": TWO}, gone=["pr_1"])


def test_something_within_one_is_not_found() -> None:
    """Which does not mean that the pull request is gone."""
    error = GraphQLError("?", "NOT_FOUND", ("repository", "pr_1", "author"))
    assert sort({"repository": {"pr_1": ONE, "pr_2": TWO}}, error).again == ["pr_1"]


def test_null_without_an_error_is_asked_for_again() -> None:
    assert sort({"repository": {"pr_1": None, "pr_2": TWO}}).again == ["pr_1"]


def test_an_error_without_a_path_spoils_all() -> None:
    error = GraphQLError("Resource limits exceeded", "RESOURCE_LIMITS_EXCEEDED")
    found = sort({"repository": {"pr_1": ONE, "pr_2": TWO}}, error)
    assert (found.again, found.trouble) == (["pr_1", "pr_2"], None)


def test_no_repository() -> None:
    found = sort({"repository": None}, GraphQLError("Could not resolve", "NOT_FOUND", ("repository",)))
    assert isinstance(found.trouble, HTTPError)
    assert found.trouble.code == "not_found"


@pytest.mark.parametrize("type", ["FORBIDDEN", "INSUFFICIENT_SCOPES"])
def test_denied(type: str) -> None:
    error = GraphQLError("Resource not accessible", type, ("repository", "pr_1", "statusCheckRollup"))
    assert isinstance(sort({"repository": {"pr_1": ONE, "pr_2": TWO}}, error).trouble, PermissionDenied)


def test_what_lies_at_the_top() -> None:
    reply = GraphQLReply({"more_0": ONE, "more_1": None}, (GraphQLError("?", "NOT_FOUND", ("more_1",)),))
    assert sort_out(reply, ["more_0", "more_1"], None, "acme/widgets") == Sorted(whole={"more_0": ONE}, gone=["more_1"])
