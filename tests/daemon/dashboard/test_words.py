from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.credential import State, TokenState
from vestal.core.errors import Category
from vestal.core.events import Event, Kind
from vestal.daemon.dashboard import words


def test_everything_that_can_be_has_a_word() -> None:
    assert set(words.KINDS) == set(Kind)
    assert set(words.STATES) == set(State)
    assert set(words.TOKENS) == set(TokenState)
    assert set(words.CATEGORIES) == {category.value for category in Category}


def test_conditions_differ_in_more_than_colour() -> None:
    marks = [words.mark(state, token) for state in State for token in TokenState]

    assert len({(mark.word, mark.icon) for mark in marks}) == len({mark.word for mark in marks}) == 8
    assert words.mark(State.ERROR, TokenState.VALID, interrupted=True) == words.INTERRUPTED
    assert words.mark(State.IDLE, TokenState.VALID, interrupted=True).word == "Valid"


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "No credentials yet"),
        ({"idle": 1}, "The credential is in order"),
        ({"idle": 99_999, "refreshing": 1}, "All 100,000 credentials are in order"),
        ({"idle": 3, "needs_login": 1}, "1 credential needs a login"),
        ({"needs_login": 2, "error": 1}, "2 credentials need a login, 1 has an error"),
        ({"idle": 3, "error": 1200}, "1,200 credentials have errors"),
    ],
)
def test_the_headline_says_whether_all_is_well(counts: dict[str, int], told: str) -> None:
    assert words.headline(counts) == told


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (Kind.REFRESHED, {"version": 5, "reason": "due", "what": "refresh"}, "version 5, it was due"),
        (
            Kind.REFRESHED,
            {"version": 5, "reason": "due", "what": "recovery"},
            "version 5, finished after an interruption",
        ),
        (Kind.RESPONSE_RECEIVED, {"status": 502}, "status 502"),
        (
            Kind.RETRY_SCHEDULED,
            {"cause": "TIMEOUT", "wait": 1.5, "tries": 1},
            "the next one in 1.5 s, No answer in time",
        ),
        (Kind.REFRESH_FAILED, {"category": "NETWORK_ERROR", "message": "no connection"}, "no connection"),
        (Kind.STALE_SERVED, {"cause": "TIMEOUT", "left": 125.0}, "2 min 5 s left, No answer in time"),
        (Kind.CLOCK_JUMPED, {"seconds": -3600}, "by 1 h"),
        (Kind.LEASE_TAKEN, {}, ""),
    ],
)
def test_what_an_event_adds(kind: Kind, data: dict[str, Any], told: str) -> None:
    assert words.detail(Event(kind, "alice", 0.0, data)) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-3, "just now"), (4.9, "just now"), (12, "12 s ago"), (330, "5 min ago"), (3900, "1 h 5 min ago")],
)
def test_ago(seconds: float, told: str) -> None:
    assert words.ago(seconds) == told


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_share_is_all_only_if_it_is_all(part: int, more: int) -> None:
    told = words.percent(part, part + more)

    assert (told is None) == (part + more == 0)
    assert (told == "100 %") == (part > 0 and more == 0)
    assert told is None or (told == "0 %") == (100 * part < part + more)


def test_shares_near_all_are_told_more_exactly() -> None:
    assert words.percent(9999, 10_000) == "99.9 %"
    assert words.percent(2, 3) == "66 %"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("the service said no", "The service said no"),
        ("wait: it is tried again", "Wait: it is tried again"),
        ("don't", "Don't"),
        ("api.example.com can't be reached", "api.example.com can't be reached"),
        ("https://example.com/token failed", "https://example.com/token failed"),
        ("newer_than is no version", "newer_than is no version"),
        ("127.0.0.1 can't be reached", "127.0.0.1 can't be reached"),
        ("`vestal login`", "`vestal login`"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_but_a_host_does_not(text: str, sentence: str) -> None:
    assert words.capital(text) == sentence
