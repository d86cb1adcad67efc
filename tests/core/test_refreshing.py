"""The source: which token it gives when, and when it refreshes. (Waiting, clocks and forks have files of their own.)"""

from __future__ import annotations

import pytest

from tests.core.flights import Flights, landed
from tests.core.house import HOUR, NAME, START
from vestal.core.credential import Credential, Intent
from vestal.core.decision import Demand
from vestal.core.errors import ConfigError, NeedsLogin, NetworkError, RateLimited, UnexpectedError
from vestal.core.events import Kind
from vestal.core.source import TokenSource
from vestal.core.token import Token

DOWN = NetworkError("down", credential=NAME)
REFUSED = NeedsLogin("refused", credential=NAME)
SOFT, HARD = 3000.0, 3300.0


def test_it_is_a_token_source() -> None:
    assert isinstance(Flights().source(), TokenSource)


def test_the_first_caller_gets_the_first_token() -> None:
    flights = Flights()
    source = flights.source()
    assert source.peek() is None
    assert source.token().version == 1
    assert source.peek() is source.token()
    assert flights.demands == [Demand()]


# The hot path


class Forbidden:
    """Whatever touches it fails the test."""

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"the hot path used {name}")


async def test_while_the_token_is_good_there_is_no_lock_no_io_and_no_second_clock() -> None:
    flights = Flights()
    source = flights.source()
    first = source.token()
    assert source.token() is first  # opens the window
    source._lock = source._refresher = source._clock = Forbidden()  # type: ignore[assignment]
    for _ in range(59):
        flights.clock.advance(1)
        assert source.token() is first
        assert await source.atoken() is first
    assert len(flights.demands) == 1


def test_a_token_without_an_end_is_given_until_it_is_refused() -> None:
    flights = Flights(lifetime=None)
    source = flights.source()
    source.token()
    flights.clock.advance(1e8)
    assert source.token().version == 1
    assert source.token(newer_than=1).version == 2


# The soft margin


def test_from_the_soft_margin_on_one_refresh_runs_while_all_go_on() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(SOFT - 1)
    source.token()
    assert len(flights.demands) == 1
    flights.held = True
    flights.clock.advance(1)
    for _ in range(20):
        assert source.token().version == 1
    flights.wait_for_takeoff()
    assert flights.demands[1:] == [Demand(outlived=1, early=True)]
    flights.land()
    assert source.token().version == 2
    assert len(flights.demands) == 2


async def test_tasks_go_on_as_well() -> None:
    flights = Flights()
    source = flights.source()
    await source.atoken()
    flights.held = True
    flights.clock.advance(SOFT)
    assert (await source.atoken()).version == 1
    flights.land()
    assert (await source.atoken()).version == 2


def test_the_services_hint_is_the_soft_margin() -> None:
    flights = Flights(refresh_in=600)
    source = flights.source()
    source.token()
    flights.clock.advance(599)
    source.token()
    landed()
    assert len(flights.demands) == 1
    flights.clock.advance(1)
    source.token()
    landed()
    assert len(flights.demands) == 2


def test_jitter_moves_the_margins_and_is_drawn_anew_for_each_token() -> None:
    drawn = iter([0.9, 1.0, 0.0, 0.5])
    flights = Flights()
    source = flights.source(random=lambda: next(drawn))
    source.token()
    assert flights.demands[0].jitter == 0.9
    flights.clock.advance(HOUR - 720)  # ten minutes and a fifth: the soft margin at full jitter
    source.token()
    landed()
    assert source.token().version == 2
    flights.clock.advance(SOFT - 1)
    source.token()
    landed()
    assert source.token().version == 2, "no jitter this time"


def test_a_background_refresh_that_fails_is_tried_again_after_a_while_and_nobody_notices() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    flights.clock.advance(SOFT)
    for _ in range(10):
        assert source.token().version == 1
        landed()
    assert len(flights.demands) == 2
    flights.clock.advance(1)
    assert source.token().version == 1
    landed()
    assert len(flights.demands) == 3


@pytest.mark.parametrize("trouble", [REFUSED, ConfigError("?"), UnexpectedError("?"), ZeroDivisionError("?")])
def test_not_even_when_it_fails_for_good(trouble: BaseException) -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = trouble
    flights.clock.advance(SOFT)
    source.token()
    landed()
    assert source.token().version == 1


def test_a_failure_that_says_when_to_come_back_is_held_off_as_long() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = RateLimited("slower", retry_after=30)
    flights.clock.advance(SOFT)
    source.token()
    landed()
    flights.clock.advance(29)
    source.token()
    landed()
    assert len(flights.demands) == 2
    flights.clock.advance(1)
    source.token()
    landed()
    assert len(flights.demands) == 3


def test_an_interrupted_refresh_of_another_worker_is_finished_in_the_background_at_once() -> None:
    """A service's grace for the replay does not wait until the token is due."""
    flights = Flights(intent=Intent(fingerprint="f", at=START, version=1, holder="a dead worker"))
    source = flights.source()
    assert source.token().version == 1
    flights.intent = None
    assert source.token().version == 1
    landed()
    assert flights.demands[1:] == [Demand(outlived=1, early=True)]
    assert source.token().version == 2
    assert len(flights.demands) == 2


# The hard margin


def test_from_the_hard_margin_on_callers_wait() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(HARD)
    assert source.token().version == 2
    assert flights.demands[1:] == [Demand(outlived=1)]


def test_a_passing_failure_gives_the_token_that_is_still_valid_and_is_an_event() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    flights.clock.advance(HARD)
    for _ in range(10):
        assert source.token().version == 1
    assert len(flights.demands) == 2
    stale = [event for event in flights.events if event.kind is Kind.STALE_SERVED]
    assert [(event.data["cause"], event.data["left"]) for event in stale] == [("NETWORK_ERROR", 300.0)]
    flights.clock.advance(1)
    assert source.token().version == 1
    assert len(flights.demands) == 3


def test_a_final_failure_is_raised() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = REFUSED
    flights.clock.advance(HARD)
    for _ in range(3):
        with pytest.raises(NeedsLogin):
            source.token()
    assert len(flights.demands) == 2, "the same failure for a second"
    assert source.peek() is not None


def test_a_recovery_ends_the_trouble() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    flights.clock.advance(HARD)
    source.token()
    flights.trouble = None
    flights.clock.advance(1)
    assert source.token().version == 2


# Expiry


def test_an_expired_token_is_not_given() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    flights.clock.advance(HOUR)
    assert source.peek() is None
    with pytest.raises(NetworkError) as caught:
        source.token()
    assert caught.value is not DOWN, "each caller gets an error with a traceback of its own"


def test_a_token_that_expires_in_the_hard_margin_is_not_given_either() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    flights.clock.advance(HARD)
    assert source.token().version == 1
    flights.clock.advance(299.5)
    assert source.token().version == 1
    flights.clock.advance(0.5)
    with pytest.raises(NetworkError):
        source.token()


def test_a_failure_is_echoed_for_a_second_and_not_longer() -> None:
    flights = Flights(trouble=DOWN)
    source = flights.source()
    for _ in range(5):
        with pytest.raises(NetworkError):
            source.token()
    assert len(flights.demands) == 1
    flights.clock.advance(1)
    flights.trouble = None
    assert source.token().version == 1


def test_a_defect_is_an_error_of_ours() -> None:
    flights = Flights(trouble=ZeroDivisionError("canary"))
    with pytest.raises(UnexpectedError) as caught:
        flights.source().token()
    assert "ZeroDivisionError" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_refresh_that_brings_no_token_is_a_defect() -> None:
    class Nothing(Flights):
        def present(self, credential: Credential) -> Token | None:
            return None

    with pytest.raises(UnexpectedError):
        Nothing().source().token()
