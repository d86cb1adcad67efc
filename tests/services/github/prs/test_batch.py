from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import (
    AuthFailed,
    HTTPError,
    NetworkError,
    Outcome,
    RateLimited,
    ServiceError,
    TimedOut,
    VestalError,
)
from vestal.services.github.graphql import GraphQLError
from vestal.services.github.prs.batch import CALM, BatchSize, asked_too_much, cut_off, too_much


def test_a_failure_halves_what_is_asked_for() -> None:
    assert BatchSize(25).failed(25).now == 12
    assert BatchSize(12).failed(25).now == 12  # of a query that was under way when another one failed
    assert BatchSize(1).failed(1).now == 1


def test_quick_answers_make_it_grow_slowly() -> None:
    size = BatchSize(8)
    for _ in range(CALM - 1):
        size = size.answered(8, 0.5)
    assert size.now == 8
    assert size.answered(8, 0.5).now == 10


def test_answers_to_less_than_was_allowed_prove_nothing() -> None:
    size = BatchSize(8)
    for _ in range(10):
        size = size.answered(3, 0.1)
    assert size.now == 8


def test_slow_answers_do_not_make_it_grow_and_slower_ones_make_it_shrink() -> None:
    size = BatchSize(8)
    for _ in range(10):
        size = size.answered(8, 5.0)
    assert size.now == 8
    assert size.answered(8, 7.5).now == 6
    assert BatchSize(1).answered(1, 9.0).now == 1


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 12)), max_size=60))
def test_it_stays_within_its_bounds(story: list[tuple[bool, float]]) -> None:
    size = BatchSize()
    for good, seconds in story:
        size = size.answered(size.now, seconds) if good else size.failed(size.now)
        assert 1 <= size.now <= size.most


@pytest.mark.parametrize(
    ("trouble", "size", "connection"),
    [
        (ServiceError("502"), True, False),
        (TimedOut("no answer"), True, False),
        (NetworkError("cut"), False, True),
        (HTTPError("no JSON", outcome=Outcome.UNKNOWN), False, True),
        (HTTPError("404"), False, False),
        (AuthFailed("401"), False, False),
        (RateLimited("429"), False, False),
    ],
)
def test_what_trouble_is_due_to(trouble: VestalError, size: bool, connection: bool) -> None:
    assert (too_much(trouble), cut_off(trouble)) == (size, connection)


def test_errors_that_a_smaller_query_does_not_meet() -> None:
    assert asked_too_much(GraphQLError("…", "MAX_NODE_LIMIT_EXCEEDED"))
    assert asked_too_much(GraphQLError("…", "RESOURCE_LIMITS_EXCEEDED"))
    assert asked_too_much(GraphQLError("Something went wrong while executing your query. This may be a timeout"))
    assert not asked_too_much(GraphQLError("Something went wrong", "NOT_FOUND"))
    assert not asked_too_much(GraphQLError("Field 'x' doesn't exist"))
