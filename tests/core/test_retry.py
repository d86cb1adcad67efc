from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import (
    AuthFailed,
    CircuitOpen,
    ConfigError,
    NeedsLogin,
    NetworkError,
    RateLimited,
    ServiceError,
    VestalError,
)
from vestal.core.retry import (
    FRESH,
    LONGEST_REFUSAL_HOLD_OFF,
    LONGEST_RETRY_AFTER,
    RetryPolicy,
    hold_off,
    refusal_hold_off,
)

POLICY = RetryPolicy(tries=5, base=0.5, longest=15.0, total=45.0)


def test_waits_double_up_to_the_longest() -> None:
    long = RetryPolicy(tries=10, base=0.5, longest=15.0, total=1000.0)
    waits = [long.wait(NetworkError("down"), tries, 0.0, random=1.0) for tries in range(1, 10)]
    assert waits == [0.5, 1, 2, 4, 8, 15, 15, 15, 15]


@given(st.integers(1, 4), st.floats(0, 1))
def test_full_jitter_lies_between_nothing_and_the_whole_wait(tries: int, random: float) -> None:
    wait = POLICY.wait(NetworkError("down"), tries, 0.0, random)
    assert wait is not None
    assert 0 <= wait <= 0.5 * 2 ** (tries - 1)


def test_it_gives_up_after_so_many_tries() -> None:
    assert POLICY.wait(ServiceError("503"), 4, 0.0, 0.5) is not None
    assert POLICY.wait(ServiceError("503"), 5, 0.0, 0.5) is None


def test_it_begins_no_try_after_the_total_time() -> None:
    assert POLICY.wait(NetworkError("down"), 1, 44.4, 1.0) == 0.5
    assert POLICY.wait(NetworkError("down"), 1, 44.6, 1.0) is None


@given(st.floats(0, 15), st.floats(0, 1), st.integers(1, 4))
def test_retry_after_is_honoured(asked: float, random: float, tries: int) -> None:
    wait = POLICY.wait(RateLimited("slower", retry_after=asked), tries, 0.0, random)
    assert wait is not None
    assert wait >= asked


def test_a_longer_retry_after_ends_the_refresh() -> None:
    assert POLICY.wait(RateLimited("slower", retry_after=15.1), 1, 0.0, 0.0) is None


@pytest.mark.parametrize(
    "error", [NeedsLogin("refused"), AuthFailed("refused"), ConfigError("wrong"), VestalError("?"), CircuitOpen("open")]
)
def test_what_trying_again_does_not_help(error: VestalError) -> None:
    assert POLICY.wait(error, 1, 0.0, 0.0) is None


@pytest.mark.parametrize("error", [NeedsLogin("refused"), AuthFailed("refused")])
def test_no_time_helps_where_something_has_to_change(error: VestalError) -> None:
    assert hold_off(error, 1, 0.0) is None


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_hold_offs_grow_to_half_a_minute_or_five_minutes(failures: int, random: float) -> None:
    passing = hold_off(NetworkError("down"), failures, random)
    final = hold_off(ConfigError("wrong"), failures, random)
    assert passing is not None
    assert final is not None
    assert 0.5 <= passing <= 30
    assert 0.5 <= final <= 300
    assert passing <= final


def test_hold_offs_of_the_first_failures() -> None:
    assert [hold_off(NetworkError("down"), failures, 1.0) for failures in (1, 2, 3, 6)] == [1, 2, 4, 30]


def test_a_hold_off_is_at_least_what_the_service_asks_for_and_at_most_a_day() -> None:
    assert hold_off(RateLimited("slower", retry_after=3600), 1, 0.0) == 3600
    assert hold_off(RateLimited("slower", retry_after=0.01), 3, 1.0) == 4
    assert hold_off(RateLimited("slower", retry_after=1e9), 1, 0.0) == LONGEST_RETRY_AFTER


def test_a_401_storm_costs_fewer_and_fewer_refreshes() -> None:
    waits = [refusal_hold_off(refusals) for refusals in range(8)]
    assert waits == [0, 5, 10, 20, 40, 60, 60, 60]
    assert refusal_hold_off(10**9) == LONGEST_REFUSAL_HOLD_OFF < FRESH
