from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from vestal.core.margins import HARD, HARD_SHARE, SOFT, SOFT_SHARE, SPREAD, from_the_future, margins
from vestal.core.secret import Secret
from vestal.core.token import Token

MOMENT = 1_800_000_000.0

lifetimes = st.floats(1e-3, 10 * 365 * 86400.0)
jitters = st.floats(0, 1)


def token(lifetime: float | None, refresh_in: float | None = None) -> Token:
    return Token(
        Secret("a"),
        issued_at=MOMENT,
        expires_at=None if lifetime is None else MOMENT + lifetime,
        refresh_at=None if refresh_in is None else MOMENT + refresh_in,
    )


@given(lifetimes, jitters, st.none() | st.floats(-1e6, 1e9))
def test_soft_comes_before_hard_and_hard_before_expiry(lifetime: float, jitter: float, hint: float | None) -> None:
    moments = margins(token(lifetime, hint), jitter)
    assert moments.soft_at is not None
    assert moments.hard_at is not None
    assert moments.expires_at is not None
    assert moments.soft_at <= moments.hard_at <= moments.expires_at


@given(lifetimes, jitters)
def test_a_token_is_never_due_on_arrival(lifetime: float, jitter: float) -> None:
    moments = margins(token(lifetime), jitter)
    assert moments.soft_at is not None
    assert moments.soft_at - MOMENT >= lifetime * (1 - SOFT_SHARE * (1 + SPREAD)) - 1e-3


@given(lifetimes, jitters)
def test_margins_are_at_most_their_share_of_the_lifetime(lifetime: float, jitter: float) -> None:
    moments = margins(token(lifetime), jitter)
    assert moments.soft_at is not None
    assert moments.hard_at is not None
    end, most = MOMENT + lifetime, 1 + SPREAD
    assert end - moments.soft_at <= min(SOFT, lifetime * SOFT_SHARE) * most + 1e-3
    assert end - moments.hard_at <= min(HARD, lifetime * HARD_SHARE) * most + 1e-3


@given(lifetimes, jitters, jitters)
def test_more_jitter_moves_both_margins_forward(lifetime: float, one: float, other: float) -> None:
    less, more = (margins(token(lifetime), jitter) for jitter in sorted((one, other)))
    assert less.soft_at is not None
    assert more.soft_at is not None
    assert less.hard_at is not None
    assert more.hard_at is not None
    assert more.soft_at <= less.soft_at
    assert more.hard_at <= less.hard_at


def test_an_hour_without_jitter() -> None:
    moments = margins(token(3600))
    assert (moments.soft_at, moments.hard_at) == (MOMENT + 3000, MOMENT + 3300)


def test_a_minute_without_jitter() -> None:
    moments = margins(token(60))
    assert (moments.soft_at, moments.hard_at) == (MOMENT + 40, MOMENT + 50)


def test_the_services_hint_replaces_the_soft_margin() -> None:
    moments = margins(token(86400, refresh_in=43200), jitter=1)
    assert moments.soft_at == MOMENT + 43200


def test_a_hint_never_passes_the_hard_margin() -> None:
    moments = margins(token(3600, refresh_in=3599))
    assert moments.soft_at == moments.hard_at == MOMENT + 3300


def test_a_token_without_an_end_has_no_margins_but_a_hint_counts() -> None:
    assert margins(token(None)).soft_at is None
    assert margins(token(None, refresh_in=60)).soft_at == MOMENT + 60
    assert margins(token(None, refresh_in=60)).hard_at is None


@given(lifetimes)
def test_a_small_clock_error_is_not_the_future(lifetime: float) -> None:
    issued = token(lifetime)
    allowed = min(HARD, lifetime * HARD_SHARE)
    assert not from_the_future(issued, MOMENT)
    assert not from_the_future(issued, MOMENT - allowed * 0.99)
    assert from_the_future(issued, MOMENT - math.ceil(allowed * 1.01 + 1))


def test_a_token_without_an_end_is_never_from_the_future() -> None:
    assert not from_the_future(token(None), 0)
