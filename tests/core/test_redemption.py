"""One refresh, step by step: what is durable before what. (What is not known, and what fails, have files of their own.)"""

from __future__ import annotations

import json
import os
from dataclasses import replace

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
    kill,
    read,
)
from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, StoreUnavailable, UnexpectedError
from vestal.core.events import Kind
from vestal.core.grant import Grant
from vestal.core.journal import recall
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response


def at(credential: Credential) -> str:
    assert credential.token is not None
    return credential.token.access_token.reveal()


def test_the_steps_in_their_order() -> None:
    house = House(granted(2))
    result = house.refresh()
    assert house.kinds == [
        Kind.LEASE_TAKEN,
        Kind.REFRESH_STARTED,
        Kind.INTENT_SAVED,
        Kind.RESPONSE_RECEIVED,
        Kind.RESPONSE_SAVED,
        Kind.TOKEN_PARSED,
        Kind.TOKEN_SAVED,
        Kind.REFRESHED,
    ]
    assert result == house.stored
    assert at(result) == "at-2"
    assert result.refresh_token == Secret("rt-2")
    assert (result.version, result.refresh_count, result.intent, result.last_error) == (1, 1, None, None)


def test_the_intent_is_durable_before_anything_is_sent() -> None:
    def answer(_: Request) -> Answer:
        intent = house.stored.intent
        assert intent is not None
        assert intent.fingerprint == Secret("rt-1").fingerprint()
        assert (intent.at, intent.version, intent.replayed, intent.responses) == (START, 0, False, ())
        assert str(os.getpid()) in intent.holder
        return granted(2)

    house = House(answer)
    assert at(house.refresh()) == "at-2"


def test_the_answer_is_durable_before_anybody_reads_it() -> None:
    def parse(response: Response) -> Grant:
        intent = house.stored.intent
        assert intent is not None
        assert [recall(line) for line in intent.responses] == [response]
        return read(response)

    house = House(granted(2), provider=PlainProvider(read=parse))
    assert at(house.refresh()) == "at-2"


def test_the_token_and_the_end_of_the_intent_are_saved_in_one_write() -> None:
    house = House(granted(2))
    house.refresh()
    assert [(saved.version, saved.intent is not None) for saved in house.store.saves] == [
        (0, True),
        (0, True),
        (1, False),
    ]


def test_time_counts_from_the_sending() -> None:
    def slow(_: Request) -> Answer:
        house.clock.advance(20)
        return granted(2)

    house = House(slow)
    token = house.refresh().token
    assert token is not None
    assert (token.issued_at, token.expires_at) == (START, START + HOUR)
    assert house.stored.refreshed_at == START + 20


def test_a_fresh_token_is_adopted_and_nothing_is_sent() -> None:
    house = House(**held(3))
    assert house.refresh().version == 3
    assert house.kinds == [Kind.TOKEN_ADOPTED]
    assert house.store.saves == []


def test_it_is_looked_at_again_under_the_lease() -> None:
    """Another worker refreshes while this one waits for the lease: its token is adopted, nothing is sent."""
    house = House()
    lease = house.store.lease

    def lose_the_race(name: str, timeout: float) -> object:
        house.edit(**held(1), refresh_token=Secret("rt-2"))
        return lease(name, timeout)

    house.store.lease = lose_the_race  # type: ignore[method-assign,assignment]
    assert at(house.refresh()) == "at-1"
    assert house.kinds == [Kind.LEASE_TAKEN, Kind.TOKEN_ADOPTED]


# Others write meanwhile


def test_a_newer_token_that_another_worker_has_saved_wins() -> None:
    def answer(_: Request) -> Answer:
        house.edit(**held(2), refresh_token=Secret("rt-theirs"), intent=None)
        return granted(9)

    house = House(answer, **held(1, lifetime=0))
    result = house.refresh()
    assert at(result) == "at-2"
    assert house.stored.refresh_token == Secret("rt-theirs")
    assert house.kinds[-1] is Kind.TOKEN_ADOPTED
    house.clock.advance(HOUR)
    house.script.steps.append(granted(10))
    assert house.refresh().version == 3, "the beaten grant must not come back"


def test_a_change_of_the_app_is_kept_and_the_token_as_well() -> None:
    def answer(_: Request) -> Answer:
        house.edit(app=replace(house.stored.app, client_id="new"))
        return granted(2)

    house = House(answer)
    assert at(house.refresh()) == "at-2"
    assert house.stored.app.client_id == "new"
    assert house.stored.refresh_token == Secret("rt-2")


def test_a_refresh_token_that_a_person_has_replaced_meanwhile_is_kept() -> None:
    def answer(_: Request) -> Answer:
        house.edit(refresh_token=Secret("rt-by-hand"), intent=None)
        return granted(2)

    house = House(answer, granted(9))
    assert at(house.refresh()) == "at-9"
    assert house.script.redeemed == ["rt-1", "rt-by-hand"]


def test_a_record_that_changes_all_the_time_does_not_cost_the_grant() -> None:
    house = House(granted(2))
    busy = [True]

    def edit(credential: Credential) -> None:
        if credential.version and busy[0]:
            house.edit(app=replace(house.stored.app, client_id=house.stored.app.client_id + "+"))

    house.store.before_save = edit
    with pytest.raises(StoreUnavailable):
        house.refresh()
    busy[0] = False
    assert at(house.refresh()) == "at-2"
    assert house.script.redeemed == ["rt-1"]


def test_a_credential_that_was_removed_meanwhile_stays_removed() -> None:
    def answer(_: Request) -> Answer:
        house.store.delete(NAME)
        return granted(2)

    house = House(answer)
    with pytest.raises(ConfigError):
        house.refresh()
    assert house.store.load(NAME) is None


# A killed worker


@pytest.mark.parametrize("kind", [Kind.RESPONSE_SAVED, Kind.TOKEN_PARSED])
def test_a_recorded_answer_is_finished_without_another_request(kind: Kind) -> None:
    house = House(granted(2))
    kill(house, at=kind)
    house.clock.advance(300)
    result = house.refresh()
    assert at(result) == "at-2"
    assert result.token is not None
    assert result.token.issued_at == START
    assert result.history[-1].what == "recovery"
    assert house.script.redeemed == ["rt-1"]
    assert Kind.REPLAY_STARTED not in house.kinds


@pytest.mark.parametrize("kind", [Kind.TOKEN_SAVED, Kind.REFRESHED])
def test_after_the_saving_nothing_is_left_to_do(kind: Kind) -> None:
    house = House(granted(2))
    kill(house, at=kind)
    assert at(house.refresh()) == "at-2"
    assert house.kinds[-1] is Kind.TOKEN_ADOPTED


@pytest.mark.parametrize("kind", [Kind.LEASE_TAKEN, Kind.REFRESH_STARTED])
def test_before_the_intent_nothing_has_happened(kind: Kind) -> None:
    house = House(granted(2))
    kill(house, at=kind)
    assert at(house.refresh()) == "at-2"
    assert Kind.RECOVERY_STARTED not in house.kinds


def test_an_intent_for_another_refresh_token_is_void() -> None:
    house = House(granted(2))
    kill(house, at=Kind.RESPONSE_SAVED)
    house.edit(refresh_token=Secret("rt-by-hand"))
    house.restart()
    house.script.steps.append(granted(3))
    assert at(house.refresh()) == "at-3"
    assert house.script.redeemed == ["rt-1", "rt-by-hand"]


# A provider's defect


def test_a_provider_that_fails_while_parsing_costs_no_token() -> None:
    """The answer is in the journal, and the version of the provider that can read it finishes the refresh from there."""

    def parse(response: Response) -> Grant:
        raise KeyError(response.body.reveal())

    house = House(granted(2), provider=PlainProvider(read=parse))
    with pytest.raises(UnexpectedError) as caught:
        house.refresh()
    assert "KeyError" in str(caught.value)
    assert "at-2" not in str(caught.value)
    assert caught.value.__context__ is caught.value.__cause__ is None
    house.clock.advance(HOUR)
    with pytest.raises(UnexpectedError):
        house.refresh()
    house.provider = PlainProvider()
    house.clock.advance(HOUR)
    result = house.refresh(force=True)
    assert result.refresh_token == Secret("rt-2")
    assert house.script.redeemed == ["rt-1"]


def test_a_provider_that_fails_before_sending_has_sent_nothing() -> None:
    class Broken(PlainProvider):
        def refresh(self, *_: object) -> Grant:
            raise ZeroDivisionError

    house = House(provider=Broken())
    with pytest.raises(UnexpectedError):
        house.refresh()
    assert house.stored.intent is None
    assert house.stored.suspect is False
    assert not {Kind.REPLAY_STARTED, Kind.RETRY_SCHEDULED} & set(house.kinds)


def test_a_grant_that_can_not_be_stored_is_a_defect_and_costs_no_token() -> None:
    def parse(response: Response) -> Grant:
        return replace(read(response), extra={"unserializable": object()})

    house = House(granted(2), provider=PlainProvider(read=parse))
    with pytest.raises(TypeError):
        house.refresh()
    house.provider = PlainProvider()
    house.restart()
    assert at(house.refresh()) == "at-2"
    assert house.script.redeemed == ["rt-1"]


def test_secrets_do_not_show_in_events() -> None:
    house = House(granted(2), app=App(provider="plain", client_secret=Secret("canary-client")))
    house.refresh()
    shown = json.dumps([[event.kind, dict(event.data)] for event in house.events])
    for secret in ("rt-1", "rt-2", "at-2", "canary"):
        assert secret not in shown
