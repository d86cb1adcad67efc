"""What documents cost is what GitHub's rule says, as the stub counts it; and GitHub's schema takes them."""

from __future__ import annotations

import pytest
from graphql import parse, validate

from tests.github.stub.graphql import cost_of, schema
from vestal.services.github.prs.query import LISTING, More, cost_of_details, cost_of_more, details, more

NAMES = {"owner": "acme", "name": "widgets"}


@pytest.mark.parametrize("count", [1, 2, 10, 25, 50])
@pytest.mark.parametrize("files", [True, False])
def test_the_cost_of_details(count: int, files: bool) -> None:
    document = details(range(1, count + 1), files=files)
    cost = cost_of({"query": document, "variables": NAMES})
    assert cost.points == cost_of_details(count, files=files)
    assert cost.points <= max(1, 0.25 * count)
    assert cost.nodes <= 30_000 <= 500_000


@pytest.mark.parametrize(
    "connections", [["commits"], ["comments"] * 20, ["reviewThreads", "files", "contexts"], ["reviewThreads"] * 20]
)
def test_the_cost_of_more(connections: list[str]) -> None:
    wanted = [More(index, f"PR_{index}", name, 'a"b\\c') for index, name in enumerate(connections)]
    assert cost_of({"query": more(wanted), "variables": {}}).points == cost_of_more(wanted)


def test_the_listing_costs_one_point() -> None:
    assert cost_of({"query": LISTING, "variables": {**NAMES, "first": 100}}).points == 1


def test_all_documents_are_valid() -> None:
    every = [
        More(1, "x", name, "c") for name in ("commits", "reviews", "reviewThreads", "comments", "contexts", "files")
    ]
    for document in (LISTING, details([1, 2]), details([1], files=False), more(every)):
        assert validate(schema(), parse(document)) == []
