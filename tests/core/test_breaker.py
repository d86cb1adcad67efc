"""The breaker reads the machine's clock, so its time to rest is a real one here, and a short one."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from vestal.core.breaker import Breakers
from vestal.core.errors import AuthFailed, CircuitOpen, NeedsLogin, NetworkError, Outcome, ServiceError, VestalError

ENDPOINT = "https://service.test/token"
REST = 0.05


def attempt(breakers: Breakers, error: BaseException | None = None, endpoint: str = ENDPOINT) -> None:
    with breakers.calling(endpoint):
        if error is not None:
            raise error


def fail(breakers: Breakers, times: int, error: VestalError | None = None, endpoint: str = ENDPOINT) -> None:
    for _ in range(times):
        failure = error or NetworkError("down")
        with pytest.raises(type(failure)) as caught:
            attempt(breakers, failure, endpoint)
        assert caught.value is failure


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breakers = Breakers(failures=3)
    fail(breakers, 2)
    assert breakers.state(ENDPOINT) == "closed"
    fail(breakers, 1)
    assert breakers.state(ENDPOINT) == "open"
    with pytest.raises(CircuitOpen) as caught:
        attempt(breakers, AssertionError("an open breaker lets nothing through"))
    error = caught.value
    assert error.outcome is Outcome.NOT_SENT
    assert error.passing
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 30
    assert error.__context__ is error.__cause__ is None


def test_a_success_begins_the_count_again() -> None:
    breakers = Breakers(failures=3)
    for _ in range(3):
        fail(breakers, 2)
        attempt(breakers)
    assert breakers.state(ENDPOINT) == "closed"


@pytest.mark.parametrize("error", [NeedsLogin("refused"), AuthFailed("refused")])
def test_a_refusal_says_nothing_about_the_endpoint(error: VestalError) -> None:
    breakers = Breakers(failures=2)
    fail(breakers, 10, error)
    assert breakers.state(ENDPOINT) == "closed"


def test_a_defect_is_no_failure_of_the_endpoint() -> None:
    breakers = Breakers(failures=2)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            attempt(breakers, ZeroDivisionError())
    assert breakers.state(ENDPOINT) == "closed"


def test_each_endpoint_has_its_own() -> None:
    breakers = Breakers(failures=2)
    fail(breakers, 2)
    attempt(breakers, endpoint="https://other.test/token")
    assert breakers.state("https://other.test/token") == "closed"
    assert breakers.state("https://unknown.test/") == "closed"


def test_after_its_rest_one_success_closes_it() -> None:
    breakers = Breakers(failures=2, rest=REST)
    fail(breakers, 2)
    time.sleep(REST * 1.2)
    attempt(breakers)
    assert breakers.state(ENDPOINT) == "closed"


def test_after_its_rest_one_failure_opens_it_again() -> None:
    breakers = Breakers(failures=2, rest=REST)
    fail(breakers, 2)
    time.sleep(REST * 1.2)
    fail(breakers, 1, ServiceError("503"))
    assert breakers.state(ENDPOINT) == "open"
    with pytest.raises(CircuitOpen):
        attempt(breakers)


def test_after_its_rest_one_attempt_is_let_through_and_the_others_wait_for_what_it_says() -> None:
    breakers = Breakers(failures=1, rest=REST)
    fail(breakers, 1)
    time.sleep(REST * 1.2)
    inside, leave = threading.Event(), threading.Event()

    def probe() -> None:
        with breakers.calling(ENDPOINT):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=probe)
    thread.start()
    assert inside.wait(10)
    try:
        with pytest.raises(CircuitOpen):
            attempt(breakers)
    finally:
        leave.set()
        thread.join()
    attempt(breakers)
    assert breakers.state(ENDPOINT) == "closed"


def test_a_crash_in_the_probe_does_not_shut_the_endpoint_for_ever() -> None:
    class Killed(BaseException):
        pass

    breakers = Breakers(failures=1, rest=REST)
    fail(breakers, 1)
    time.sleep(REST * 1.2)
    with pytest.raises(Killed):
        attempt(breakers, Killed())
    attempt(breakers)


def test_a_clock_that_was_set_back_does_not_prolong_the_rest() -> None:
    breakers = Breakers(failures=1, rest=REST)
    fail(breakers, 1)
    storage = breakers._endpoint(ENDPOINT).storage
    assert storage.opened_at is not None
    storage.opened_at += timedelta(hours=1)  # as if it had opened by a clock that was an hour ahead
    with pytest.raises(CircuitOpen) as caught:
        attempt(breakers)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after <= 0.1
    time.sleep(REST * 1.2)
    attempt(breakers)
