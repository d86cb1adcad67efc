"""Refreshes that fail: retried, held off, remembered, and shared with all workers through the store."""

from __future__ import annotations

import traceback

import pytest

from tests.core.house import (
    BUSY,
    HOUR,
    INVALID_CLIENT,
    INVALID_GRANT,
    NAME,
    START,
    Answer,
    House,
    PlainProvider,
    granted,
)
from vestal.core.breaker import Breakers
from vestal.core.credential import State, state
from vestal.core.errors import (
    CircuitOpen,
    ConfigError,
    NeedsLogin,
    NetworkError,
    Outcome,
    RateLimited,
    ServiceError,
    StoreUnavailable,
    Unavailable,
    VestalError,
)
from vestal.core.events import Event, Kind
from vestal.core.secret import Secret
from vestal.core.transport import Request

DOWN = NetworkError("connection refused", outcome=Outcome.NOT_SENT)
CLIENT_CREDENTIALS = PlainProvider(stake=False)


# Retries


def test_a_busy_service_is_asked_again_after_growing_waits() -> None:
    house = House(BUSY, BUSY, BUSY, BUSY, granted(2))
    house.refresh()
    waits = [event.data["wait"] for event in house.events if event.kind is Kind.RETRY_SCHEDULED]
    assert waits == [0.25, 0.5, 1.0, 2.0]
    assert house.clock.now() == START + sum(waits)
    assert house.stored.failures == 0


def test_it_gives_up_after_five_tries() -> None:
    house = House(*[BUSY] * 5)
    with pytest.raises(ServiceError) as caught:
        house.refresh()
    assert caught.value.credential == NAME
    assert caught.value.retry_after
    assert house.stored.failures == 1
    assert house.stored.intent is None


def test_retry_after_is_waited_for() -> None:
    house = House(Answer(429, headers=(("retry-after", "7"),)), granted(2))
    house.refresh()
    assert START + 7 <= house.clock.now() < START + 8


def test_a_long_retry_after_ends_the_refresh_and_holds_off_everybody() -> None:
    house = House(Answer(429, headers=(("retry-after", "600"),)), granted(2))
    with pytest.raises(RateLimited) as caught:
        house.refresh()
    assert caught.value.retry_after == 600
    assert house.clock.now() == START
    house.restart()
    house.clock.advance(599)
    with pytest.raises(RateLimited) as caught:
        house.refresh()
    assert caught.value.retry_after == 1
    assert len(house.script.requests) == 1
    house.clock.advance(1)
    house.refresh()
    assert house.stored.version == 1


def test_the_intent_is_written_anew_for_each_try() -> None:
    seen: list[tuple[float, int]] = []

    def answer(_: Request) -> Answer:
        intent = house.stored.intent
        assert intent is not None
        seen.append((intent.at, len(intent.responses)))
        return BUSY if len(seen) < 3 else granted(2)

    house = House(answer, answer, answer)
    house.refresh()
    assert seen == [(START, 0), (START + 0.25, 0), (START + 0.75, 0)]


def test_a_wait_for_a_retry_leaves_no_intent_open() -> None:
    open_intents: list[bool] = []

    def listen(event: Event) -> None:
        if event.kind is Kind.RETRY_SCHEDULED:
            open_intents.append(house.stored.intent is not None)

    house = House(BUSY, BUSY, granted(2))
    house.lifecycle.events.listen(listen)
    house.refresh()
    assert open_intents == [False, False]


# Holding off


def test_a_failure_is_held_off_for_all_workers_a_little_longer_each_time() -> None:
    house = House(*[DOWN] * 100)
    gaps = []
    for _ in range(6):
        with pytest.raises(NetworkError):
            house.refresh()
        sent = len(house.script.requests)
        house.restart()
        with pytest.raises(NetworkError) as caught:
            house.refresh()
        assert len(house.script.requests) == sent, "held off: nothing is sent"
        gap = caught.value.retry_after
        assert gap
        gaps.append(gap)
        house.clock.advance(gap)
    assert gaps == [0.75, 1.5, 3.0, 6.0, 12.0, 22.5]


def test_a_person_is_not_held_off() -> None:
    house = House(*[DOWN] * 5, granted(2))
    with pytest.raises(NetworkError):
        house.refresh()
    assert house.refresh(force=True).version == 1


def test_a_clock_that_was_set_back_does_not_prolong_the_hold_off() -> None:
    house = House(Answer(429, headers=(("retry-after", "600"),)), granted(2))
    with pytest.raises(RateLimited):
        house.refresh()
    house.clock.jump(-HOUR)
    assert house.refresh().version == 1


def test_a_success_ends_the_counting() -> None:
    house = House(*[DOWN] * 5, granted(2))
    with pytest.raises(NetworkError):
        house.refresh()
    house.clock.advance(60)
    house.refresh()
    assert (house.stored.failures, house.stored.last_error) == (0, None)
    assert [past.what for past in house.stored.history] == ["failure", "refresh"]


def test_a_final_failure_is_held_off_too() -> None:
    house = House(Answer(400, '{"error": "invalid_scope"}'), granted(2))
    with pytest.raises(ConfigError):
        house.refresh()
    with pytest.raises(ConfigError):
        house.refresh()
    assert len(house.script.requests) == 1
    assert state(house.stored, now=START, leased=False) is State.ERROR
    house.clock.advance(300)
    house.refresh()


# The breaker


def test_a_broken_endpoint_is_left_alone() -> None:
    breakers = Breakers(failures=3)
    house = House(DOWN, DOWN, DOWN, breakers=breakers)
    with pytest.raises(CircuitOpen):
        house.refresh()
    assert len(house.script.requests) == 3
    assert house.stored.intent is None
    assert house.stored.last_error is not None
    assert house.stored.last_error.category == "CIRCUIT_OPEN"


def test_an_open_breaker_does_not_cost_a_replay() -> None:
    breakers = Breakers(failures=1)
    house = House(NetworkError("cut", outcome=Outcome.UNKNOWN), breakers=breakers)
    with pytest.raises(CircuitOpen):
        house.refresh()
    assert house.stored.intent is not None
    assert not house.stored.suspect
    house.breakers = None
    house.restart()
    house.clock.advance(HOUR)
    house.script.steps = [granted(2)]
    assert house.refresh().version == 1


# The store fails as well


def test_a_failure_that_can_not_be_recorded_is_raised_all_the_same() -> None:
    house = House(INVALID_GRANT)

    def full(_: object) -> None:
        raise StoreUnavailable("full")

    def answer(_: Request) -> Answer:
        house.store.before_save = full
        return INVALID_GRANT

    house.script.steps = [answer]
    with pytest.raises(NeedsLogin):
        house.refresh()
    assert [event.data["step"] for event in house.events if event.kind is Kind.STORE_FAILED] == ["response", "failure"]


def test_client_credentials_that_fail_are_held_off_too() -> None:
    house = House(*[DOWN] * 5, provider=CLIENT_CREDENTIALS)
    with pytest.raises(Unavailable):
        house.refresh()
    with pytest.raises(Unavailable):
        house.refresh()
    assert len(house.script.requests) == 5


@pytest.mark.parametrize(
    "steps", [[INVALID_GRANT], [INVALID_CLIENT], [BUSY] * 5, [DOWN] * 5, [Answer(200, "x"), DOWN] * 3]
)
def test_no_secret_is_in_a_failure(steps: list[Answer | NetworkError]) -> None:
    house = House(*steps, refresh_token=Secret("canary-refresh-token"))
    with pytest.raises(VestalError) as caught:
        house.refresh()
    assert caught.value.__context__ is caught.value.__cause__ is None
    dump = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "canary" not in dump
