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
)
from vestal.core.credential import State, state
from vestal.core.errors import NeedsLogin, NetworkError, Outcome, TimedOut, Unavailable, VestalError
from vestal.core.events import Kind
from vestal.core.secret import Secret
from vestal.core.transport import Request

CUT = NetworkError("cut", outcome=Outcome.UNKNOWN)
HANGS = TimedOut("no answer", outcome=Outcome.UNKNOWN)
REFUSED_CONNECTION = NetworkError("connection refused", outcome=Outcome.NOT_SENT)
BAD_GATEWAY = Answer(502)
UNKNOWN: list[Step] = [CUT, HANGS, BAD_GATEWAY, Answer(504), GARBAGE]


def needs_login(house: House, reason: str, **demand: object) -> NeedsLogin:
    with pytest.raises(NeedsLogin) as caught:
        house.refresh(**demand)
    assert caught.value.reason == reason
    assert NAME in str(caught.value)
    assert "vestal " in caught.value.remedy
    return caught.value


def kill(house: House, *, at: Kind | None = None, **demand: object) -> None:
    """Refresh with a worker that dies at this event (None: the script kills it), and put another in its place."""

    def listener(event: object) -> None:
        if getattr(event, "kind", None) is at:
            raise Killed(at)

    house.lifecycle.events.listen(listener)
    with pytest.raises(Killed):
        house.refresh(**demand)
    house.restart()


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
