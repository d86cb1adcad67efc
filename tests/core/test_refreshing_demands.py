"""What callers may ask of the source: a newer version, a minimum of validity, a refresh now."""

from __future__ import annotations

import threading

import pytest

from tests.core.flights import Flights
from tests.core.house import HOUR, NAME, START, token
from vestal.core.credential import App, Credential
from vestal.core.decision import Demand
from vestal.core.errors import ConfigError, NetworkError, VestalError
from vestal.core.events import Kind
from vestal.core.refreshing import RefreshingSource
from vestal.core.token import Token

DOWN = NetworkError("down", credential=NAME)
SOFT, HARD = 3000.0, 3300.0


# newer_than


def test_a_refused_token_is_replaced() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    assert source.token(newer_than=1).version == 2
    assert flights.demands[1:] == [Demand(newer_than=1)]
    assert Kind.TOKEN_REFUSED in flights.kinds()


def test_late_reports_of_the_same_token_send_nothing() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    for _ in range(10):
        assert source.token(newer_than=1).version == 2
    assert len(flights.demands) == 2


def test_the_refused_token_is_never_given_back_whatever_fails() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    with pytest.raises(NetworkError):
        source.token(newer_than=1)
    assert source.token().version == 1, "others have not been refused"


def test_a_version_that_never_was_costs_one_refresh() -> None:
    """As after `remove` and `add`: versions begin again, and a caller names a higher one."""
    flights = Flights()
    source = flights.source()
    source.token()
    assert source.token(newer_than=57).version == 2
    assert len(flights.demands) == 2


def test_a_credential_that_was_added_again_begins_anew() -> None:
    flights = Flights(version=56)
    source = flights.source()
    assert source.token().version == 57
    flights.version = 0
    flights.clock.advance(HARD)
    assert source.token().version == 1


# min_ttl


def test_enough_validity_is_given_from_the_token_at_hand() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    assert source.token(min_ttl=HOUR - 1).version == 1
    flights.clock.advance(1000)
    assert source.token(min_ttl=2600).version == 1
    assert len(flights.demands) == 1


def test_too_little_is_refreshed() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(1000)
    assert source.token(min_ttl=2601).version == 2
    assert flights.demands[1:] == [Demand(min_ttl=2601)]


@pytest.mark.parametrize("min_ttl", [HOUR + 0.1, HOUR + 60, 1e9, float("inf")])
def test_more_than_tokens_live_is_an_error_and_no_refresh_storm(min_ttl: float) -> None:
    flights = Flights()
    source = flights.source()
    for _ in range(3):
        flights.clock.advance(1)
        with pytest.raises(ConfigError) as caught:
            source.token(min_ttl=min_ttl)
        assert "3600" in str(caught.value)
    assert len(flights.demands) == 1


def test_a_lifetime_that_shrinks_is_no_refresh_storm() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.lifetime = 60
    flights.clock.advance(3000)
    with pytest.raises(ConfigError):
        source.token(min_ttl=900)
    assert len(flights.demands) == 2


def test_a_passing_failure_gives_what_is_valid_long_enough_only() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    flights.clock.advance(HARD)
    assert source.token(min_ttl=200).version == 1
    flights.clock.advance(2)
    with pytest.raises(NetworkError):
        source.token(min_ttl=299)


@pytest.mark.parametrize("min_ttl", [0, -5])
def test_no_validity_at_all_is_no_demand(min_ttl: float) -> None:
    flights = Flights()
    source = flights.source()
    assert source.token(min_ttl=min_ttl).version == 1
    flights.trouble = DOWN
    flights.clock.advance(HOUR)
    with pytest.raises(NetworkError):
        source.token(min_ttl=min_ttl)


# A person asks


def test_a_person_gets_a_new_token_whatever_state_the_old_one_is_in() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    assert source.refresh().version == 2
    assert flights.demands[1:] == [Demand(force=True)]


def test_a_person_gets_the_error() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.trouble = DOWN
    with pytest.raises(NetworkError):
        source.refresh()
    assert source.token().version == 1


def test_a_person_does_not_get_the_result_of_a_refresh_that_began_before() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.held = True
    flights.clock.advance(SOFT)
    source.token()
    flights.wait_for_takeoff()
    result: list[Token] = []
    person = threading.Thread(target=lambda: result.append(source.refresh()))
    person.start()
    flights.landing.release()
    flights.wait_for_takeoff()
    flights.landing.release()
    person.join()
    assert [demand.force for demand in flights.demands] == [False, False, True]
    assert result[0].version == 3


# Which token is the later one


def test_a_refresh_that_brings_an_older_token_does_not_replace_a_newer_one() -> None:
    class Slow(Flights):
        def refresh(self, name: str, demand: Demand) -> Credential:
            super().refresh(name, demand)
            return Credential(name=NAME, app=App(provider="plain"), token=token(1), version=1)

    flights = Slow(version=4)
    source: RefreshingSource = flights.source()
    source._take(flights.credential(START))
    flights.trouble = DOWN
    with pytest.raises(VestalError):
        source.token(newer_than=4)
    flights.trouble = None
    flights.clock.advance(HARD)
    source.token()
    held = source.peek()
    assert held is not None
    assert held.version == 4
