"""Sendings whose outcome is not known, and what a worker does about those that another one has left."""

from __future__ import annotations

import pytest

from tests.core.house import (
    BUSY,
    GARBAGE,
    HOUR,
    INVALID_CLIENT,
    INVALID_GRANT,
    NAME,
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
from vestal.core.errors import NetworkError, Outcome, TimedOut, Unavailable, VestalError
from vestal.core.events import Kind
from vestal.core.secret import Secret

CUT = NetworkError("cut", outcome=Outcome.UNKNOWN)
HANGS = TimedOut("no answer", outcome=Outcome.UNKNOWN)
REFUSED_CONNECTION = NetworkError("connection refused", outcome=Outcome.NOT_SENT)
BAD_GATEWAY = Answer(502)
UNKNOWN: list[Step] = [CUT, HANGS, BAD_GATEWAY, Answer(504), GARBAGE]


# In one worker


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_one_unknown_outcome_is_replayed_at_once(unknown: Step) -> None:
    house = House(unknown, granted(2))
    house.refresh()
    assert house.script.redeemed == ["rt-1", "rt-1"]
    assert house.clock.now() == START, "a grace of the service does not wait"
    assert Kind.REPLAY_STARTED in house.kinds
    assert house.stored.refresh_token == Secret("rt-2")
    assert house.stored.suspect is False


@pytest.mark.parametrize("unknown", UNKNOWN)
def test_a_refused_replay_is_an_interrupted_refresh_and_no_revocation(unknown: Step) -> None:
    house = House(unknown, INVALID_GRANT)
    error = needs_login(house, "interrupted refresh")
    assert error.code == "invalid_grant"
    assert house.stored.intent is None
    assert state(house.stored, now=START, leased=False) is State.NEEDS_LOGIN
    assert needs_login(house, "interrupted refresh", force=True).message == error.message
    assert house.script.redeemed == ["rt-1", "rt-1"], "what was refused is not sent again, whoever asks"


@pytest.mark.parametrize("first", UNKNOWN)
@pytest.mark.parametrize("second", UNKNOWN)
def test_unknown_twice_is_the_end_but_the_refresh_token_is_kept(first: Step, second: Step) -> None:
    house = House(first, second)
    needs_login(house, "interrupted refresh")
    needs_login(house, "interrupted refresh")
    house.clock.advance(10 * HOUR)
    needs_login(house, "interrupted refresh")
    assert house.script.redeemed == ["rt-1", "rt-1"]
    stored = house.stored
    assert stored.refresh_token == Secret("rt-1")
    assert stored.suspect
    assert state(stored, now=START, leased=False) is State.NEEDS_LOGIN
    assert stored.last_error is not None
    assert stored.last_error.retry_at is None


def test_a_person_may_try_the_kept_refresh_token_once_more() -> None:
    house = House(CUT, CUT, granted(2))
    needs_login(house, "interrupted refresh")
    assert house.refresh(force=True).refresh_token == Secret("rt-2")
    assert house.stored.suspect is False
    assert house.stored.last_error is None


@pytest.mark.parametrize(
    ("step", "sent"), [(CUT, 3), (INVALID_GRANT, 3), (REFUSED_CONNECTION, 7), (BUSY, 7), (INVALID_CLIENT, 3)]
)
def test_a_person_who_tries_in_vain_changes_nothing_for_the_others(step: Step, sent: int) -> None:
    house = House(CUT, CUT, *[step] * 5)
    needs_login(house, "interrupted refresh")
    with pytest.raises(VestalError):
        house.refresh(force=True)
    assert len(house.script.requests) == sent
    house.clock.advance(10 * HOUR)
    with pytest.raises(VestalError) as caught:
        house.refresh()
    assert not caught.value.passing, "it would never pass by itself"
    assert len(house.script.requests) == sent
    if step is not INVALID_CLIENT:
        assert state(house.stored, now=START, leased=False) is State.NEEDS_LOGIN


def test_a_person_who_was_interrupted_leaves_an_answer_that_is_used() -> None:
    house = House(CUT, CUT, granted(2))
    needs_login(house, "interrupted refresh")
    kill(house, at=Kind.RESPONSE_SAVED, force=True)
    assert state(house.stored, now=START, leased=False) is State.ERROR
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")


def test_a_person_who_was_interrupted_without_an_answer_leaves_it_as_it_was() -> None:
    house = House(CUT, CUT, Killed())
    needs_login(house, "interrupted refresh")
    kill(house, force=True)
    assert state(house.stored, now=START, leased=False) is State.NEEDS_LOGIN
    needs_login(house, "interrupted refresh")
    assert len(house.script.requests) == 3


def test_a_login_lifts_the_suspicion() -> None:
    house = House(CUT, CUT, granted(4))
    needs_login(house, "interrupted refresh")
    from vestal.core.grant import Grant

    house.lifecycle.logged_in(
        NAME, Grant(access_token=Secret("at-3"), refresh_token=Secret("rt-3"), expires_in=1), START
    )
    house.clock.advance(5)
    assert house.refresh().refresh_token == Secret("rt-4")


def test_what_was_not_sent_is_retried_freely() -> None:
    house = House(*[REFUSED_CONNECTION] * 4, granted(2))
    house.refresh()
    assert len(house.script.requests) == 5
    assert Kind.REPLAY_STARTED not in house.kinds


def test_a_replay_that_was_not_sent_is_still_to_come() -> None:
    house = House(CUT, REFUSED_CONNECTION, REFUSED_CONNECTION, granted(2))
    house.refresh()
    assert house.stored.refresh_token == Secret("rt-2")


def test_a_replay_that_could_not_be_sent_is_remembered() -> None:
    house = House(CUT, *[REFUSED_CONNECTION] * 5, INVALID_GRANT)
    with pytest.raises(Unavailable):
        house.refresh()
    assert house.stored.intent is not None
    house.clock.advance(HOUR)
    house.restart()
    needs_login(house, "interrupted refresh")


@pytest.mark.parametrize("final", [Answer(400, '{"error": "invalid_request"}'), INVALID_CLIENT])
def test_a_replay_that_was_answered_with_something_else_is_remembered(final: Answer) -> None:
    house = House(CUT, final, INVALID_GRANT)
    with pytest.raises(VestalError):
        house.refresh()
    assert house.stored.intent is not None
    needs_login(house, "interrupted refresh", force=True)


def test_a_second_unknown_outcome_counts_even_after_an_answer() -> None:
    house = House(CUT, BUSY, CUT)
    needs_login(house, "interrupted refresh")


# What does not rotate


@pytest.mark.parametrize("unknown", [CUT, HANGS, BAD_GATEWAY])
def test_a_refresh_token_that_stays_is_retried_like_anything_else(unknown: Step) -> None:
    house = House(*[unknown] * 4, granted(2, rotate=False), provider=PlainProvider(rotating=False))
    house.refresh()
    assert house.clock.now() > START
    assert Kind.REPLAY_STARTED not in house.kinds


def test_and_its_refusal_is_a_refusal() -> None:
    house = House(CUT, INVALID_GRANT, provider=PlainProvider(rotating=False))
    needs_login(house, "refused")


def test_its_refusal_after_an_interruption_is_a_refusal_too() -> None:
    house = House(Killed(), INVALID_GRANT, provider=PlainProvider(rotating=False))
    kill(house)
    needs_login(house, "refused")


def test_whether_it_rotates_is_learnt_from_the_service() -> None:
    house = House(granted(2, rotate=False), *[CUT] * 4, granted(3, rotate=False))
    house.refresh()
    house.refresh(force=True)
    assert len(house.script.requests) == 6
