"""What a worker does about a refresh that another one has left."""

from __future__ import annotations

import pytest

from tests.core.house import (
    BUSY,
    GARBAGE,
    INVALID_GRANT,
    START,
    Answer,
    House,
    Killed,
    PlainProvider,
    Step,
    granted,
    kill,
    needs_login,
)
from vestal.core.credential import State, state
from vestal.core.errors import NetworkError, Outcome
from vestal.core.events import Kind
from vestal.core.secret import Secret
from vestal.core.transport import Request

CUT = NetworkError("cut", outcome=Outcome.UNKNOWN)


# Another worker


@pytest.mark.parametrize("at", [None, Kind.INTENT_SAVED, Kind.RESPONSE_RECEIVED])
def test_an_open_intent_without_an_answer_is_replayed_once_at_once(at: Kind | None) -> None:
    steps: list[Step] = [Killed()] if at is None else [] if at is Kind.INTENT_SAVED else [granted(2)]
    house = House(*steps, granted(3))
    kill(house, at=at)
    assert state(house.stored, now=START, leased=False) is State.ERROR
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-3")
    assert house.stored.history[-1].what == "recovery"
    assert Kind.RECOVERY_STARTED in house.kinds
    assert house.clock.now() == START


@pytest.mark.parametrize("at", [None, Kind.INTENT_SAVED, Kind.RESPONSE_RECEIVED])
def test_and_if_that_is_refused_the_refresh_was_interrupted(at: Kind | None) -> None:
    steps: list[Step] = [Killed()] if at is None else [] if at is Kind.INTENT_SAVED else [granted(2)]
    house = House(*steps, INVALID_GRANT)
    kill(house, at=at)
    needs_login(house, "interrupted refresh")
    assert house.stored.refresh_token == Secret("rt-1")


def test_a_second_death_is_the_end() -> None:
    house = House(Killed(), Killed())
    kill(house)
    kill(house)
    needs_login(house, "interrupted refresh")
    house.restart()
    needs_login(house, "interrupted refresh")
    assert house.script.redeemed == ["rt-1", "rt-1"]


def test_a_death_before_the_replay_was_sent_counts_as_one() -> None:
    house = House(CUT)
    kill(house, at=Kind.REPLAY_STARTED)
    house.script.steps = [granted(2)]
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")


def test_a_person_may_try_once_more_after_two_deaths() -> None:
    house = House(Killed(), Killed(), granted(2))
    kill(house)
    kill(house)
    assert house.refresh(force=True).refresh_token == Secret("rt-2")


def test_a_death_while_waiting_for_a_retry_leaves_nothing_open() -> None:
    house = House(BUSY, INVALID_GRANT)
    kill(house, at=Kind.RETRY_SCHEDULED)
    needs_login(house, "refused")


def test_a_recorded_refusal_is_a_refusal() -> None:
    house = House(INVALID_GRANT)
    kill(house, at=Kind.RESPONSE_SAVED)
    needs_login(house, "refused")
    assert len(house.script.requests) == 1


def test_a_recorded_answer_that_is_no_grant_is_replayed_once() -> None:
    house = House(GARBAGE, granted(2))
    kill(house, at=Kind.RESPONSE_SAVED)
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")


def test_a_recorded_busy_answer_is_retried() -> None:
    house = House(BUSY, granted(2))
    kill(house, at=Kind.RESPONSE_SAVED)
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")


# Refreshes that take two requests, the second of which redeems (a nonce for DPoP is fetched like this)

TWO = PlainProvider(requests=2)
FIRST = Answer(200, "{}")


def test_answers_are_recorded_in_their_order() -> None:
    house = House(FIRST, granted(2), provider=TWO)
    kill(house, at=Kind.TOKEN_PARSED)
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")
    assert house.script.redeemed == ["rt-1"]


def test_a_death_after_the_second_was_sent_is_an_unknown_outcome() -> None:
    house = House(FIRST, Killed(), INVALID_GRANT, provider=TWO)
    kill(house)
    needs_login(house, "interrupted refresh")
    assert [(request.form or {})["step"] for request in house.script.requests] == ["1", "2", "2"]


@pytest.mark.parametrize("second", [Killed(), CUT, GARBAGE])
def test_and_it_is_never_sent_a_third_time(second: Step) -> None:
    house = House(FIRST, Killed(), second, provider=TWO)
    kill(house)
    if isinstance(second, Killed):
        kill(house)
    needs_login(house, "interrupted refresh")
    assert house.script.redeemed == ["rt-1", "rt-1"]


def test_a_busy_answer_to_the_second_begins_anew() -> None:
    house = House(FIRST, BUSY, FIRST, granted(2), provider=TWO)
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")


def test_a_third_request_is_marked_before_it_is_sent() -> None:
    def answer(_: Request) -> Answer:
        intent = house.stored.intent
        assert intent is not None
        assert intent.replayed
        return granted(2)

    house = House(FIRST, Killed(), answer, provider=TWO)
    kill(house)
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")
