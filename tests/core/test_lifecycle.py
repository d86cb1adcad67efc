"""What the lifecycle does around a refresh: adopting, leases, subjects, changes of the record, logins."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

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
    token,
)
from vestal.core.credential import App, Credential
from vestal.core.decision import Demand
from vestal.core.errors import ConfigError, Conflict, NeedsLogin, StoreUnavailable, TimedOut, UnexpectedError
from vestal.core.events import Kind
from vestal.core.grant import Grant
from vestal.core.lifecycle import Lifecycle
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request

LOGIN = Grant(access_token=Secret("at-login"), expires_in=HOUR, refresh_token=Secret("rt-login"))


def test_a_credential_that_is_not_there() -> None:
    house = House()
    with pytest.raises(ConfigError) as caught:
        house.lifecycle.load("other")
    assert caught.value.credential == "other"
    with pytest.raises(ConfigError):
        house.lifecycle.refresh("other", Demand())


# One refresh, whoever asks


@pytest.mark.parametrize("workers", [1, 3])
def test_many_threads_and_workers_refresh_once(workers: int) -> None:
    """Several lifecycles on one store are several processes."""
    house = House(granted(2))
    lifecycles = [house.restart() for _ in range(workers)]
    versions: list[int] = []
    gate = threading.Barrier(30)

    def ask(lifecycle: Lifecycle) -> None:
        gate.wait()
        versions.append(lifecycle.refresh(NAME, Demand()).version)

    threads = [threading.Thread(target=ask, args=(lifecycles[number % workers],)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [1] * 30
    assert len(house.script.requests) == 1


def test_a_lease_that_is_held_too_long_is_an_error_with_the_name() -> None:
    house = House()

    @contextmanager
    def taken(name: str, timeout: float) -> Iterator[None]:
        raise TimedOut(f"held for {timeout:g} s", credential=name)
        yield

    house.store.lease = taken  # type: ignore[method-assign]
    with pytest.raises(TimedOut) as caught:
        house.refresh()
    assert caught.value.credential == NAME
    assert house.script.requests == []


def test_the_lease_is_free_after_a_refresh_and_after_a_failure() -> None:
    house = House(granted(2), Answer(400, "invalid_grant"))
    house.refresh()
    assert not house.store.leased(NAME)
    with pytest.raises(NeedsLogin):
        house.refresh(force=True)
    assert not house.store.leased(NAME)


def test_the_lease_is_held_while_sending() -> None:
    def answer(_: Request) -> Answer:
        assert house.store.leased(NAME)
        return granted(2)

    house = House(answer)
    house.refresh()


# Another credential's token


def test_the_subject_is_fetched_before_the_lease_is_taken() -> None:
    """Nobody holds two leases: a cycle of workers that do would wait for ever."""
    house = House(granted(2, rotate=False), provider=PlainProvider(stake=False, subject_of="employer"))
    leased: list[bool] = []
    token_of = house._token_of

    def watched(name: str) -> Token:
        leased.append(house.store.leased(NAME))
        return token_of(name)

    house._token_of = watched  # type: ignore[method-assign]
    house.restart()
    house.refresh()
    assert leased == [False]
    form = house.script.requests[0].form
    assert form is not None
    assert form["subject_token"] == Secret("subject of employer")


def test_a_subject_survives_the_writing_of_the_intent() -> None:
    house = House(granted(2), provider=PlainProvider(subject_of="employer"))
    house.refresh()
    form = house.script.requests[0].form
    assert form is not None
    assert form["subject_token"] == Secret("subject of employer")


def test_a_subject_is_not_fetched_for_a_token_that_is_adopted() -> None:
    house = House(provider=PlainProvider(stake=False, subject_of="employer"), **held(1))
    house.refresh()
    assert house.subjects == []


def test_a_subject_is_never_stored() -> None:
    house = House(granted(2, rotate=False), provider=PlainProvider(stake=False, subject_of="employer"))
    house.refresh()
    record = house.store.backend.get(NAME)
    assert record is not None
    assert house.stored.subject is None


def test_a_subject_that_can_not_be_had_is_the_error() -> None:
    house = House(provider=PlainProvider(stake=False, subject_of="employer"))

    def fails(name: str) -> Any:
        raise NeedsLogin("log in", credential=name)

    house._token_of = fails  # type: ignore[method-assign]
    house.restart()
    with pytest.raises(NeedsLogin) as caught:
        house.refresh()
    assert caught.value.credential == "employer"
    assert not house.store.leased(NAME)


def test_a_lifecycle_without_other_credentials_says_so() -> None:
    house = House()
    provider = PlainProvider(stake=False, subject_of="employer")
    lifecycle = Lifecycle(house.store, lambda _: provider, house.script, house.clock)
    with pytest.raises(UnexpectedError):
        lifecycle.refresh(NAME, Demand())


# Presenting


def test_a_bearer_token_is_presented_without_asking_the_provider() -> None:
    house = House()
    assert house.lifecycle.present(house.stored) is None
    with_token = house.edit(**held(1))
    assert house.lifecycle.present(with_token) is with_token.token


def test_a_bound_token_is_presented_by_its_provider() -> None:
    house = House()
    bound = house.edit(token=replace(token(1), token_type="DPoP"), version=1)
    presented = house.lifecycle.present(bound)
    assert presented is not None
    assert presented.scope == "presented"


# Changes of the record


def test_a_change_is_made_under_the_lease_on_top_of_what_is_stored() -> None:
    house = House()

    def change(credential: Credential) -> Credential:
        assert house.store.leased(NAME)
        return replace(credential, authorizing_until=START + 300)

    assert house.lifecycle.update(NAME, change) == house.stored
    assert house.stored.authorizing_until == START + 300


def test_a_change_is_made_again_on_top_of_what_another_has_saved() -> None:
    house = House()
    tries: list[int] = []

    def change(credential: Credential) -> Credential:
        tries.append(credential.revision)
        if len(tries) == 1:
            house.edit(app=App(provider="plain", client_id="theirs"))
        return replace(credential, authorizing_until=START + 300)

    house.lifecycle.update(NAME, change)
    assert tries == [1, 2]
    assert house.stored.app.client_id == "theirs"
    assert house.stored.authorizing_until == START + 300


def test_a_change_that_never_succeeds_gives_up() -> None:
    house = House()

    def beaten(_: Credential) -> None:
        raise Conflict("beaten")

    house.store.before_save = beaten
    with pytest.raises(StoreUnavailable):
        house.lifecycle.update(NAME, lambda credential: credential)


# Logins


def test_a_login_replaces_what_was_there() -> None:
    house = House(
        **held(4), failures=3, refusals=2, suspect=True, refused=("x",), rotating=True, refresh_token_expires_at=START
    )
    house.edit(authorizing_until=START + 300)
    result = house.lifecycle.logged_in(NAME, LOGIN, START - 1)
    assert result == house.stored
    assert (result.version, result.refresh_token, result.rotating) == (5, Secret("rt-login"), None)
    assert (result.failures, result.refusals, result.suspect, result.refused) == (0, 0, False, ())
    assert result.refresh_token_expires_at is None
    assert result.authorizing_until is None
    assert result.token is not None
    assert result.token.expires_at == START - 1 + HOUR
    assert house.kinds == [Kind.CHANGED, Kind.LOGGED_IN]


def test_a_login_without_a_refresh_token_does_not_keep_the_old_one() -> None:
    house = House()
    house.lifecycle.logged_in(NAME, Grant(access_token=Secret("at-login")), START)
    assert house.stored.refresh_token is None


def test_a_login_voids_an_interrupted_refresh() -> None:
    house = House(BaseException(), granted(9))
    with pytest.raises(BaseException):  # noqa: B017
        house.refresh()
    house.restart()
    house.lifecycle.logged_in(NAME, LOGIN, START)
    house.refresh(force=True)
    assert house.script.redeemed == ["rt-1", "rt-login"]
    assert Kind.RECOVERY_STARTED not in house.kinds
