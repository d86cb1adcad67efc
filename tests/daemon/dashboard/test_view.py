from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.credential import Past, State, TokenState
from vestal.daemon.activity import Attempt, Recent
from vestal.daemon.census import Row
from vestal.daemon.counters import Tally
from vestal.daemon.dashboard import view

NOW = 1_800_000_000.0
ROW = Row(
    name="team/alice",
    provider="spotify",
    grant="authorization_code",
    state=State.IDLE,
    token_state=TokenState.VALID,
    version=4,
    issued_at=NOW - 600,
    expires_at=NOW + 3000,
    refreshed_at=NOW - 600,
    next_refresh_at=NOW + 2400,
    login=True,
)


def line(row: Row, tally: Tally | None = None, *attempts: Attempt) -> view.Line:
    return view.line(row, tally or Tally(), Recent(attempts), NOW)


def test_a_line_of_what_is_known() -> None:
    good = Attempt(NOW - 600, 0.2, True, "early", version=4)
    bad = Attempt(NOW - 10, 0.2, False, "asked", "TIMEOUT")

    found = line(ROW, Tally(hits=3, misses=1, refreshed=1, failed=1), good, bad)

    assert found.life == view.Life(NOW + 3000, 3600.0, 3000.0)
    assert (found.mark.word, found.tone, found.why) == ("Valid", "good", "ahead of time")
    assert (found.hits, found.success, found.next_at) == ("75 %", "50 %", NOW + 2400)
    assert found.href == "/dashboard/credentials/team/alice"


def test_a_line_of_what_is_not_known() -> None:
    row = replace(ROW, version=0, issued_at=None, expires_at=None, refreshed_at=None, token_state=TokenState.MISSING)

    found = line(row)

    assert (found.life, found.why, found.hits, found.success) == (None, "", None, None)
    assert not found.lasting
    assert line(replace(row, version=1, token_state=TokenState.VALID)).lasting


@pytest.mark.parametrize(
    ("state", "token", "grant", "told"),
    [
        (State.NEEDS_LOGIN, TokenState.EXPIRED, "authorization_code", "after a login"),
        (State.IDLE, TokenState.EXPIRED, "client_credentials", "when asked for"),
        (State.IDLE, TokenState.VALID, "client_credentials", "none needed"),
    ],
)
def test_why_there_is_no_next_refresh(state: State, token: TokenState, grant: str, told: str) -> None:
    found = line(replace(ROW, state=state, token_state=token, grant=grant, next_refresh_at=None))

    assert (found.next_at, found.no_next) == (None, told)


def test_before_the_first_login_no_refresh_is_due() -> None:
    begun = replace(ROW, state=State.AUTHORIZING, token_state=TokenState.MISSING, version=0, next_refresh_at=NOW)

    assert (line(begun).next_at, line(begun).no_next) == (None, "after a login")
    again = replace(begun, version=3)
    assert line(again).next_at == NOW, "the token that it has goes on meanwhile"


def test_an_error_is_told_in_words_and_changes_the_stamp() -> None:
    broken = line(replace(ROW, state=State.ERROR, error="RATE_LIMIT_EXCEEDED"))

    assert broken.note == "The service asks for patience"
    assert broken.said == "team/alice: Error, The service asks for patience"
    assert broken.stamp != line(ROW).stamp
    assert line(replace(ROW, state=State.REFRESHING)).said == ""
    assert line(replace(ROW, token_state=TokenState.EXPIRING)).said == ""
    assert line(ROW).stamp == view.line(ROW, Tally(), Recent(), NOW + 60).stamp


@given(st.none() | st.floats(-1e12, 1e12), st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_a_bar_can_be_drawn_of_any_life(issued_at: float | None, expires_at: float, now: float) -> None:
    found = view.life(issued_at, expires_at, now)

    assert found is not None
    assert found.lifetime >= 1
    assert 0 <= found.left <= found.lifetime


def test_a_history_in_words() -> None:
    past = (
        Past(at=1.0, what="login", version=1),
        Past(at=2.0, what="failure", version=1, detail="TIMEOUT"),
        Past(at=3.0, what="refresh", version=2, detail="due"),
        Past(at=4.0, what="something new", version=2, detail="for a reason"),
    )

    found = view.history(past)

    assert [(entry.mark.word, entry.detail) for entry in found] == [
        ("something new", "for a reason"),
        ("Refresh", "it was due"),
        ("Failure", "No answer in time"),
        ("Login", ""),
    ]
