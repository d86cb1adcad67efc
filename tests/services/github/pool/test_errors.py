"""What can be wrong with a pool of tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from vestal.core.errors import AllExhausted, Category, ConfigError, VestalError
from vestal.core.pool.member import MemberState
from vestal.services.github.pool.errors import (
    AllTokensExhaustedException,
    NoTokensError,
    all_refused,
    epoch,
    moment,
    what_to_look_at,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_it_says_when() -> None:
    error = AllTokensExhaustedException(NOON, retry_after=90.0)
    assert error.message == "All GitHub tokens are rate-limited. Reset time: 2026-11-22 12:00:00+00:00"
    assert error.reset_time == NOON
    assert error.reset_at == NOON.timestamp()
    assert (error.passing, error.retry_after, error.category) == (True, 90.0, Category.RATE_LIMIT_EXCEEDED)


def test_it_says_which_bucket_if_that_is_not_the_usual_one() -> None:
    assert AllTokensExhaustedException(None, bucket="search").message.endswith("Reset time: unknown (search)")


def test_it_is_the_core_s_error_in_other_words() -> None:
    core = AllExhausted("no", bucket="graphql", reset_at=NOON.timestamp(), retry_after=5.0)
    error = AllTokensExhaustedException.of(core)
    assert isinstance(error, AllExhausted)
    assert (error.bucket, error.reset_time, error.retry_after) == ("graphql", NOON, 5.0)
    assert error.copy().reset_time == NOON


def test_no_tokens_is_a_value_error_and_one_of_ours() -> None:
    for kind in (ValueError, ConfigError, VestalError):
        with pytest.raises(kind, match="no GitHub token"):
            raise NoTokensError


def test_all_are_refused() -> None:
    states = [MemberState(f"token-{n}", f"user/{n}", {}, None, 0, "Bad credentials") for n in range(1, 8)]
    error = all_refused(states[:1], "check them")
    assert str(error) == "no GitHub token can be used: token-1: Bad credentials (check them)"
    many = all_refused(states, "").message
    assert many.endswith("token-5: Bad credentials; and 2 more")
    assert what_to_look_at([]) == []
    assert what_to_look_at(["me"]) == ["`vestal show me` says more"]
    assert what_to_look_at(["me", "you"]) == ["`vestal doctor` says more"]


def test_times() -> None:
    assert epoch(datetime(2026, 11, 22, 12, 0)) == NOON.timestamp()
    assert epoch(NOON.astimezone(timezone(timedelta(hours=5)))) == NOON.timestamp()
    assert moment(NOON.timestamp()) == NOON
    assert moment(None) is None
