"""What a service has refused, for good or again and again, and is not sent again."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace

import pytest

from tests.core.house import (
    HOUR,
    INVALID_CLIENT,
    INVALID_GRANT,
    NAME,
    START,
    House,
    granted,
    held,
)
from vestal.core.credential import State, state
from vestal.core.errors import (
    AuthFailed,
    NeedsLogin,
    NetworkError,
    Outcome,
)
from vestal.core.events import Kind
from vestal.core.grant import Grant
from vestal.core.secret import Secret

DOWN = NetworkError("connection refused", outcome=Outcome.NOT_SENT)


# Refused for good


def test_a_refused_refresh_token_is_not_sent_again_by_any_worker() -> None:
    house = House(INVALID_GRANT)
    for _ in range(3):
        with pytest.raises(NeedsLogin) as caught:
            house.refresh()
        assert caught.value.reason == "refused"
        assert caught.value.remedy == f"run `vestal login {NAME}`"
        house.restart()
        house.clock.advance(10 * HOUR)
    with pytest.raises(NeedsLogin):
        house.refresh(force=True)
    assert len(house.script.requests) == 1
    assert house.stored.refresh_token == Secret("rt-1")
    assert house.stored.refused == (Secret("rt-1").fingerprint(),)
    assert state(house.stored, now=START, leased=False) is State.NEEDS_LOGIN
    assert Kind.LOGIN_NEEDED in house.kinds


def test_another_refresh_token_lifts_it() -> None:
    house = House(INVALID_GRANT, granted(2))
    with pytest.raises(NeedsLogin):
        house.refresh()
    house.edit(refresh_token=Secret("rt-new"))
    assert house.refresh().version == 1
    assert house.stored.refused == ()


def test_a_login_lifts_it() -> None:
    house = House(INVALID_GRANT)
    with pytest.raises(NeedsLogin):
        house.refresh()
    house.lifecycle.logged_in(
        NAME, Grant(access_token=Secret("at-2"), expires_in=HOUR, refresh_token=Secret("rt-2")), START
    )
    assert house.refresh().version == 1
    assert state(house.stored, now=START, leased=False) is State.IDLE


def test_a_token_that_is_still_good_is_given_all_the_same() -> None:
    house = House(INVALID_GRANT, **held(1))
    with pytest.raises(NeedsLogin):
        house.refresh(newer_than=1)
    assert house.refresh().version == 1


def test_a_refused_client_is_not_sent_again_until_it_changes_or_a_person_asks() -> None:
    house = House(INVALID_CLIENT, INVALID_CLIENT, granted(2))
    for _ in range(2):
        with pytest.raises(AuthFailed) as caught:
            house.refresh()
        assert caught.value.retry_after is None, "no time helps"
        house.clock.advance(10 * HOUR)
    with pytest.raises(AuthFailed):
        house.refresh(force=True)
    assert len(house.script.requests) == 2
    house.edit(app=replace(house.stored.app, client_secret=Secret("another")))
    assert house.refresh().version == 1


def test_a_person_who_tries_in_vain_while_the_client_is_refused_changes_nothing() -> None:
    house = House(INVALID_CLIENT, *[DOWN] * 5)
    with pytest.raises(AuthFailed):
        house.refresh()
    with pytest.raises(NetworkError):
        house.refresh(force=True)
    house.clock.advance(HOUR)
    with pytest.raises(AuthFailed):
        house.refresh()


def test_without_a_refresh_token_a_login_is_needed_and_the_store_is_left_alone() -> None:
    house = House(refresh_token=None)
    for _ in range(3):
        with pytest.raises(NeedsLogin) as caught:
            house.refresh()
        assert caught.value.reason == "missing"
        house.clock.advance(HOUR)
    assert len(house.store.saves) == 1


# A token that is refused as soon as it is issued


def test_a_401_storm_does_not_become_a_refresh_storm() -> None:
    """Each fresh token is refused at once by all callers: 5, 10, 20, 40, 60 s are left between the refreshes."""
    house = House(*[granted(number) for number in range(100)])
    moments = []
    while house.clock.now() < START + 300:
        version = house.stored.version
        with contextlib.suppress(AuthFailed):
            house.refresh(newer_than=version)
            moments.append(house.clock.now() - START)
        house.clock.advance(0.5)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert gaps == [0.5, 5, 10, 20, 40, 60, 60, 60]


def test_a_short_lived_token_that_is_reported_at_its_end_makes_no_storm() -> None:
    house = House(*[granted(number, expires_in=30) for number in range(20)])
    for version in range(20):
        assert house.refresh(newer_than=version).refusals == 0
        house.clock.advance(29)


def test_a_token_that_has_lived_ends_the_storm() -> None:
    house = House(granted(2), granted(3), granted(4), **held(1))
    house.refresh(newer_than=1)
    house.clock.advance(5)
    assert house.refresh(newer_than=2).refusals == 2
    house.clock.advance(600)
    assert house.refresh(newer_than=3).refusals == 0
