from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.house import HOUR, NAME, START, PlainProvider, held, token
from vestal.core import errors
from vestal.core.credential import App, Credential, LastError
from vestal.core.decision import Demand, decide, next_refusals, recall, satisfies
from vestal.core.errors import AuthFailed, Category, NeedsLogin, VestalError
from vestal.core.retry import FRESH
from vestal.core.secret import Secret

SOFT_AT, HARD_AT, END = START + 3000, START + 3300, START + HOUR
RT = Secret("rt-1").fingerprint()
PROVIDER = PlainProvider()


def credential(**fields: Any) -> Credential:
    app = App(provider="plain", client_secret=Secret("client-secret"))
    every: dict[str, Any] = {"name": NAME, "app": app, "refresh_token": Secret("rt-1")} | held(3) | fields
    return Credential(**every)


CLIENT = PROVIDER.client_fingerprint(credential())


def error(category: Category = Category.NETWORK_ERROR, *, retry_at: float | None = None, **fields: Any) -> LastError:
    every: dict[str, Any] = {"category": category.value, "message": "?", "at": START, "retry_at": retry_at} | fields
    return LastError(**every)


# Whether the token at hand will do


@pytest.mark.parametrize(
    ("fields", "demand", "now", "good"),
    [
        ({}, Demand(), START, True),
        ({}, Demand(), HARD_AT - 1, True),
        ({}, Demand(), HARD_AT, False),
        ({}, Demand(early=True), SOFT_AT - 1, True),
        ({}, Demand(early=True), SOFT_AT, False),
        ({}, Demand(jitter=1.0), HARD_AT - 61, True),
        ({}, Demand(jitter=1.0), HARD_AT - 60, False),
        ({}, Demand(force=True), START, False),
        ({}, Demand(newer_than=2), START, True),
        ({}, Demand(newer_than=3), START, False),
        ({}, Demand(newer_than=4), START, False),
        ({}, Demand(newer_than=2), HARD_AT, False),
        ({}, Demand(outlived=2), START, True),
        ({}, Demand(outlived=3), START, False),
        ({}, Demand(min_ttl=HOUR), START, True),
        ({}, Demand(min_ttl=HOUR + 1), START, False),
        ({}, Demand(min_ttl=60), START + 3000, True),
        ({"token": None, "version": 0}, Demand(), START, False),
        ({"token": token(3, lifetime=None)}, Demand(min_ttl=1e9), START + 1e9, True),
        ({"token": token(3, lifetime=None)}, Demand(newer_than=3), START, False),
        ({}, Demand(), START - 299, True),
        ({}, Demand(), START - 301, False),  # the clock has gone back: its age is not known
        ({"token": token(3, lifetime=60)}, Demand(), START + 49, True),
        ({"token": token(3, lifetime=60)}, Demand(), START + 50, False),
    ],
)
def test_whether_a_token_will_do(fields: dict[str, Any], demand: Demand, now: float, good: bool) -> None:
    subject = credential(**fields)
    assert satisfies(subject, demand, now) is good
    assert decide(subject, demand, PROVIDER, now) == ("adopt" if good else "refresh")


# What is not sent


@pytest.mark.parametrize(
    ("fields", "demand", "refuses"),
    [
        ({"last_error": error(Category.NEEDS_LOGIN), "refused": (RT,)}, Demand(newer_than=3), True),
        ({"last_error": error(Category.NEEDS_LOGIN), "refused": (RT,)}, Demand(force=True), True),
        ({"last_error": error(Category.NEEDS_LOGIN), "refused": ("another",)}, Demand(newer_than=3), False),
        ({"last_error": error(Category.NEEDS_LOGIN), "refused": (RT,)}, Demand(), False),  # its token is still good
        ({"last_error": error(Category.AUTH_FAILED), "refused": (CLIENT,)}, Demand(newer_than=3), True),
        ({"last_error": error(Category.AUTH_FAILED), "refused": (CLIENT,)}, Demand(force=True), False),
        ({"last_error": error(Category.AUTH_FAILED), "refused": ("another",)}, Demand(newer_than=3), False),
        ({"last_error": error(Category.NEEDS_LOGIN), "suspect": True}, Demand(newer_than=3), True),
        ({"last_error": error(Category.NEEDS_LOGIN), "suspect": True}, Demand(force=True), False),
        ({"last_error": error(Category.NEEDS_LOGIN), "suspect": True, "rotating": False}, Demand(newer_than=3), False),
        ({"last_error": error(Category.NEEDS_LOGIN), "refresh_token": None}, Demand(newer_than=3), True),
        ({"last_error": error(Category.NEEDS_LOGIN), "refresh_token": None}, Demand(force=True), False),
        ({"last_error": error(retry_at=START + 10)}, Demand(newer_than=3), True),
        ({"last_error": error(retry_at=START + 10)}, Demand(force=True), False),
        ({"last_error": error(retry_at=START + 10)}, Demand(), False),
        ({"last_error": error(retry_at=START + 5)}, Demand(newer_than=3), False),
        ({"last_error": error(retry_at=START + 99, at=START + 9)}, Demand(newer_than=3), False),  # from the future
        ({"last_error": error()}, Demand(newer_than=3), False),
    ],
)
def test_what_is_held_off_or_refused_for_good(fields: dict[str, Any], demand: Demand, refuses: bool) -> None:
    subject, now = credential(**fields), START + 5
    if not refuses:
        decide(subject, demand, PROVIDER, now)
        return
    with pytest.raises(VestalError) as caught:
        decide(subject, demand, PROVIDER, now)
    assert caught.value.category == fields["last_error"].category
    assert caught.value.credential == NAME


def test_a_held_off_failure_says_how_long_it_still_is() -> None:
    with pytest.raises(VestalError) as caught:
        decide(credential(last_error=error(retry_at=START + 10)), Demand(newer_than=3), PROVIDER, START + 4)
    assert caught.value.retry_after == 6


# A token that is refused as soon as it is issued


@pytest.mark.parametrize(("refusals", "wait"), [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (50, 60)])
def test_a_storm_of_refusals_is_held_off(refusals: int, wait: float) -> None:
    subject, demand = credential(refusals=refusals), Demand(newer_than=3)
    with pytest.raises(AuthFailed) as caught:
        decide(subject, demand, PROVIDER, START + 1)
    assert caught.value.retry_after == wait - 1
    assert decide(subject, demand, PROVIDER, START + wait) == "refresh"
    assert decide(subject, replace(demand, force=True), PROVIDER, START + 1) == "refresh"


def test_a_first_refusal_is_believed_at_once() -> None:
    assert decide(credential(), Demand(newer_than=3), PROVIDER, START + 0.1) == "refresh"


def test_a_first_refusal_is_believed_even_of_a_token_from_a_host_whose_clock_is_ahead() -> None:
    assert decide(credential(), Demand(newer_than=3), PROVIDER, START - 3) == "refresh"


def test_a_version_that_never_was_is_a_refusal_of_the_present_one() -> None:
    """As after `remove` and `add`: versions begin again, and a caller names a higher one."""
    subject = credential(refusals=1)
    with pytest.raises(AuthFailed):
        decide(subject, Demand(newer_than=99), PROVIDER, START + 1)
    assert next_refusals(subject, Demand(newer_than=99), START + 1) == 2


def test_a_clock_that_was_set_back_does_not_prolong_it() -> None:
    assert decide(credential(refusals=9), Demand(newer_than=3), PROVIDER, START - 1) == "refresh"


@pytest.mark.parametrize(
    ("demand", "age", "count"),
    [
        (Demand(newer_than=3), 1, 5),
        (Demand(newer_than=3), FRESH, 0),
        (Demand(newer_than=3), -1, 0),  # the clock has gone back: its age is not known
        (Demand(newer_than=2), 1, 0),
        (Demand(), 1, 0),
        (Demand(force=True), 1, 0),
    ],
)
def test_refusals_in_a_row(demand: Demand, age: float, count: int) -> None:
    assert next_refusals(credential(refusals=4), demand, START + age) == count


# Recalling


@pytest.mark.parametrize("category", Category)
def test_a_recorded_failure_is_recalled_as_what_it_was(category: Category) -> None:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, VestalError) and kind.category is category:
            original = kind("what", remedy="mend it")
            noted = credential().failed(original, now=START, retry_at=START + 9).last_error
            assert noted is not None
            again = recall(noted, NAME, START + 2)
            assert again.category is category
            assert again.message == "what"
            assert again.remedy == "mend it"
            if kind not in (
                errors.Unavailable,
                errors.Conflict,
                errors.AllExhausted,
                VestalError,
            ):  # no refresh ends so
                assert type(again) is kind
                assert again.passing is original.passing


def test_the_reason_for_a_login_is_recalled() -> None:
    noted = credential().failed(NeedsLogin("?", reason="interrupted refresh"), now=START, retry_at=None).last_error
    assert noted is not None
    again = recall(noted, NAME, START)
    assert isinstance(again, NeedsLogin)
    assert again.reason == "interrupted refresh"


@given(st.integers(0, 5), st.none() | st.integers(0, 5), st.none() | st.floats(0, 2 * HOUR), st.floats(-HOUR, 2 * HOUR))
def test_whoever_gets_more_gets_less_too(version: int, refused: int | None, min_ttl: float | None, age: float) -> None:
    """A token that satisfies a demand satisfies every weaker one."""
    subject = credential(**held(version)) if version else credential(token=None, version=0)
    if satisfies(subject, Demand(newer_than=refused, min_ttl=min_ttl, early=True), START + age):
        assert satisfies(subject, Demand(newer_than=refused, min_ttl=min_ttl), START + age)
        assert satisfies(subject, Demand(newer_than=refused), START + age)
        assert satisfies(subject, Demand(), START + age)


@pytest.mark.parametrize(
    ("demand", "reason"),
    [
        (Demand(force=True, newer_than=1), "asked"),
        (Demand(newer_than=1), "refused"),
        (Demand(early=True), "early"),
        (Demand(), "due"),
    ],
)
def test_why_in_a_word(demand: Demand, reason: str) -> None:
    assert demand.reason == reason
