"""Clocks that jump and machines that sleep, at every phase of a token's life."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.flights import Flights, landed
from tests.core.house import HOUR, START
from vestal.core.errors import NetworkError, VestalError
from vestal.core.events import Kind

SOFT = 3000.0
PHASES = [0.0, 1500.0, 2999.0, 3000.0, 3299.0, 3300.0, 3599.0, 3600.0, 7200.0]
JUMPS = [1.0, 4.0, 6.0, 59.0, 61.0, 299.0, 301.0, 1800.0, 3599.0, 3601.0, 36000.0, 1e7]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("jump", [sign * size for size in JUMPS for sign in (1, -1)])
def test_no_jump_gives_a_token_that_has_expired_or_stops_the_refreshing(phase: float, jump: float) -> None:
    """What counts is time that has really passed: a token is never given an hour after its issue."""
    flights = Flights()
    source = flights.source()
    born = {1: flights.clock.steady()}
    source.token()
    for step in (phase, 1.0, 30.0, 600.0, HOUR):
        flights.clock.advance(step)
        if step == 1.0:
            flights.clock.jump(jump)
        token = source.token()
        landed()
        born.setdefault(flights.version, flights.clock.steady())
        assert flights.clock.steady() - born[token.version] < HOUR
    assert len(flights.demands) <= 6, "and no refresh storm"


@pytest.mark.parametrize("jump", [30.0, 200.0, 900.0, 7200.0])
def test_a_wall_clock_that_was_set_back_does_not_lengthen_the_life_of_a_token(jump: float) -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    source.token()
    flights.clock.jump(-jump)
    flights.trouble = NetworkError("down")
    flights.clock.advance(HOUR)
    assert source.peek() is None
    with pytest.raises(VestalError):
        source.token()


def test_within_a_glance_a_small_step_back_costs_no_more_than_the_glance() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(SOFT - 1)
    source.token()
    flights.clock.advance(0.5)
    flights.clock.jump(-0.4)
    flights.clock.advance(2.0)
    source.token()
    landed()
    assert len(flights.demands) == 2, "the soft margin is noticed"


def test_a_jump_is_an_event_once() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(100)
    source.token()
    flights.clock.jump(-3600)
    for _ in range(3):
        flights.clock.advance(61)
        source.token()
    jumps = [event.data["seconds"] for event in flights.events if event.kind is Kind.CLOCK_JUMPED]
    assert jumps == [-3600]


def test_a_small_correction_is_no_event() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.jump(-4)
    flights.clock.advance(61)
    source.token()
    assert Kind.CLOCK_JUMPED not in flights.kinds()


@pytest.mark.parametrize("steady_stops", [False, True])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("sleep", [10.0, 400.0, 3599.0, 8 * HOUR])
def test_a_machine_that_slept_wakes_up_to_a_good_token(phase: float, sleep: float, steady_stops: bool) -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(phase)
    source.token()
    landed()
    flights.clock.suspend(sleep, steady_stops=steady_stops)
    token = source.token()
    landed()
    assert token.expires_at is not None
    assert flights.clock.now() < token.expires_at


@pytest.mark.parametrize("steady_stops", [False, True])
def test_a_machine_that_slept_too_long_does_not_give_its_old_token(steady_stops: bool) -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    source.token()
    flights.trouble = NetworkError("no network yet")
    flights.clock.suspend(HOUR, steady_stops=steady_stops)
    assert source.peek() is None
    with pytest.raises(NetworkError):
        source.token()


def test_a_token_from_the_future_is_not_given() -> None:
    """The clock was set back between two processes: how old the stored token is can't be known."""
    flights = Flights()
    source = flights.source()
    flights.version = 1
    source._take(flights.credential(START + 2 * HOUR))
    assert source.peek() is None
    assert source.token().version == 2


def test_a_jump_forward_and_back_again_keeps_the_token_that_was_refreshed_between() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.jump(10 * HOUR)
    assert source.token().version == 2
    flights.clock.jump(-10 * HOUR)
    flights.clock.advance(1)
    assert source.token().version == 2
    flights.clock.advance(3300)
    assert source.token().version == 3


steps = st.one_of(
    st.tuples(st.just("advance"), st.floats(0, 5000)),
    st.tuples(st.just("jump"), st.floats(-1e5, 1e5)),
    st.tuples(st.just("suspend"), st.floats(0, 1e5)),
    st.tuples(st.just("trouble"), st.booleans()),
    st.tuples(st.just("refuse"), st.just(0.0)),
)


@given(st.lists(steps, max_size=25), st.sampled_from([60.0, 900.0, HOUR]))
def test_whatever_the_clocks_do_an_expired_token_is_never_given(
    script: list[tuple[str, float]], lifetime: float
) -> None:
    flights = Flights(lifetime=lifetime)
    source = flights.source()
    issued: dict[int, float] = {}
    flights.while_flying = lambda: issued.__setitem__(flights.version + 1, flights.clock.steady())
    for what, value in script:
        if what == "advance":
            flights.clock.advance(value)
        elif what == "jump":
            flights.clock.jump(value)
        elif what == "suspend":
            flights.clock.suspend(value)
        elif what == "trouble":
            flights.trouble = NetworkError("down") if value else None
        refused = flights.version if what == "refuse" and flights.version else None
        before = len(flights.demands)
        try:
            token = source.token(newer_than=refused)
        except NetworkError:
            landed()
            assert flights.trouble is not None or flights.clock.steady() < source._hold_until
            continue
        landed()
        assert flights.clock.steady() - issued[token.version] < lifetime
        assert refused is None or token.version > refused
        assert len(flights.demands) - before <= 2
