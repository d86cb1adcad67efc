"""A store that fails while a refresh is under way: what is not sent, and what is not lost."""

from __future__ import annotations

import pytest

from tests.core.house import (
    HOUR,
    NAME,
    START,
    Answer,
    House,
    PlainProvider,
    granted,
    held,
)
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError, StoreUnavailable, VestalError
from vestal.core.events import Kind
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.transport import Request


def at(credential: Credential) -> str:
    assert credential.token is not None
    return credential.token.access_token.reveal()


# The store fails


def unavailable(_: Credential) -> None:
    raise StoreUnavailable("the disk is full")


def misconfigured(_: Credential) -> None:
    raise ConfigError("the key file is missing")


def test_a_refresh_token_is_not_redeemed_if_the_intent_can_not_be_saved() -> None:
    house = House()
    house.store.before_save = unavailable
    with pytest.raises(StoreUnavailable) as caught:
        house.refresh()
    assert caught.value.credential == NAME
    assert house.script.requests == []
    assert Kind.STORE_FAILED in house.kinds


@pytest.mark.parametrize("rotating", [True, False])
def test_not_even_one_that_does_not_rotate(rotating: bool) -> None:
    house = House(provider=PlainProvider(rotating=rotating))
    house.store.before_save = unavailable
    with pytest.raises(StoreUnavailable):
        house.refresh()
    assert house.script.requests == []


@pytest.mark.parametrize("trouble", [unavailable, misconfigured])
def test_client_credentials_go_on_in_memory(trouble: object) -> None:
    house = House(granted(1, rotate=False), provider=PlainProvider(stake=False))
    house.store.before_save = trouble  # type: ignore[assignment]
    assert at(house.refresh()) == "at-1"
    assert house.stored.version == 0
    assert Kind.STORE_FAILED in house.kinds
    assert Kind.TOKEN_SAVED not in house.kinds


def test_client_credentials_need_no_intent() -> None:
    house = House(granted(1, rotate=False), provider=PlainProvider(stake=False))
    house.refresh()
    assert [saved.intent for saved in house.store.saves] == [None]


@pytest.mark.parametrize("trouble", [unavailable, misconfigured])
def test_an_answer_that_can_not_be_journalled_is_used_all_the_same(trouble: object) -> None:
    def answer(_: Request) -> Answer:
        house.store.before_save = only_once
        return granted(2)

    def only_once(credential: Credential) -> None:
        house.store.before_save = None
        trouble(credential)  # type: ignore[operator]

    house = House(answer)
    assert at(house.refresh()) == "at-2"
    assert house.stored.refresh_token == Secret("rt-2")
    assert Kind.RESPONSE_SAVED not in house.kinds


@pytest.mark.parametrize("trouble", [unavailable, misconfigured])
def test_a_grant_that_can_not_be_saved_is_kept_saved_later_and_not_published_before(trouble: object) -> None:
    house = House(granted(2))

    def when_granted(credential: Credential) -> None:
        if credential.version:
            trouble(credential)  # type: ignore[operator]

    house.store.before_save = when_granted
    with pytest.raises(VestalError) as caught:
        house.refresh()
    assert caught.value.credential == NAME
    assert house.stored.version == 0
    with pytest.raises(VestalError):
        house.refresh()
    house.store.before_save = None
    result = house.refresh()
    assert at(result) == "at-2"
    assert result == house.stored
    assert result.refresh_token == Secret("rt-2")
    assert house.script.redeemed == ["rt-1"]


def test_a_short_trouble_of_the_store_is_waited_for() -> None:
    house = House(granted(2))
    left = [3]

    def three_times(credential: Credential) -> None:
        if credential.version and left[0]:
            left[0] -= 1
            unavailable(credential)

    house.store.before_save = three_times
    assert at(house.refresh()) == "at-2"
    assert house.stored.version == 1
    assert 0 < house.clock.now() - START < 2


def test_a_kept_grant_survives_in_the_journal_if_the_process_dies() -> None:
    house = House(granted(2))
    house.store.before_save = lambda credential: unavailable(credential) if credential.version else None
    with pytest.raises(StoreUnavailable):
        house.refresh()
    house.store.before_save = None
    house.restart()
    assert at(house.refresh()) == "at-2"
    assert house.script.redeemed == ["rt-1"]


def test_a_kept_grant_gives_way_to_a_login() -> None:
    house = House(granted(2), **held(1, lifetime=10))
    house.store.before_save = lambda credential: unavailable(credential) if credential.version > 1 else None
    with pytest.raises(StoreUnavailable):
        house.refresh(force=True)
    house.store.before_save = None
    house.lifecycle.logged_in(
        NAME, Grant(access_token=Secret("at-login"), expires_in=HOUR, refresh_token=Secret("rt-login")), START
    )
    assert at(house.refresh()) == "at-login"
    assert house.stored.refresh_token == Secret("rt-login")


def test_a_login_that_the_store_does_not_take_is_kept() -> None:
    house = House(granted(9), **held(1, lifetime=10))
    house.store.before_save = lambda credential: unavailable(credential) if credential.version > 1 else None
    login = Grant(access_token=Secret("at-login"), expires_in=HOUR, refresh_token=Secret("rt-login"))
    with pytest.raises(StoreUnavailable):
        house.lifecycle.logged_in(NAME, login, START)
    house.store.before_save = None
    assert at(house.refresh()) == "at-login"
    assert house.stored.refresh_token == Secret("rt-login")
    assert house.script.redeemed == []
    assert not house.lifecycle.unsaved


def test_a_kept_login_gives_way_to_another_one() -> None:
    house = House(**held(1, lifetime=10))
    house.store.before_save = lambda credential: unavailable(credential) if credential.version > 1 else None
    with pytest.raises(StoreUnavailable):
        house.lifecycle.logged_in(NAME, Grant(access_token=Secret("at-first"), expires_in=HOUR), START)
    house.store.before_save = None
    house.lifecycle.logged_in(NAME, Grant(access_token=Secret("at-second"), expires_in=HOUR), START)
    assert at(house.refresh()) == "at-second"


def test_a_kept_grant_gives_way_to_a_new_refresh_token() -> None:
    """As `vestal add --replace` does it: the version stays, the refresh token is another."""
    house = House(granted(2), granted(9))
    house.store.before_save = lambda credential: unavailable(credential) if credential.version else None
    with pytest.raises(StoreUnavailable):
        house.refresh()
    house.store.before_save = None
    house.edit(refresh_token=Secret("rt-by-hand"), intent=None)
    assert at(house.refresh()) == "at-9"
    assert house.script.redeemed == ["rt-1", "rt-by-hand"]
