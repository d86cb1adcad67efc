from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.house import HOUR, START, token
from vestal.core.held import GLANCE, Held, Zone

WALL, STEADY = START, 5000.0


def held(lifetime: float | None = HOUR, age: float = 0.0) -> Held:
    return Held.of(token(1, issued_at=START - age, lifetime=lifetime), WALL, STEADY, jitter=0.0)


@pytest.mark.parametrize(
    ("later", "zone"),
    [
        (0, Zone.FRESH),
        (2999, Zone.FRESH),
        (3000, Zone.SOFT),
        (3300, Zone.HARD),
        (3600, Zone.EXPIRED),
        (9e9, Zone.EXPIRED),
    ],
)
def test_the_zones_of_an_hour(later: float, zone: Zone) -> None:
    assert held().zone(WALL + later, STEADY + later) is zone


def test_a_token_without_an_end_is_always_fresh() -> None:
    assert held(None).zone(WALL + 9e9, STEADY + 9e9) is Zone.FRESH
    assert held(None).left(WALL + 9e9, STEADY + 9e9) == float("inf")
    assert held(None).lifetime == float("inf")
    assert held(None).glance(WALL, STEADY) == GLANCE


@given(st.floats(-1e7, 1e7), st.floats(0, 1e7))
def test_time_is_what_the_later_clock_says(wall: float, steady: float) -> None:
    """A clock that was set back, or one that stood still, never lengthens a token's life."""
    now = held().now(WALL + wall, STEADY + steady)
    assert now == pytest.approx(START + max(wall, steady))
    assert held().left(WALL + wall, STEADY + steady) <= HOUR - steady + 1e-3


@given(st.floats(0, 1e5), st.floats(0.1, 1e6))
def test_a_glance_never_passes_a_moment_that_decides_something(later: float, lifetime: float) -> None:
    it = held(lifetime)
    wall, steady = WALL + later, STEADY + later
    glance = it.glance(wall, steady)
    assert 0 < glance <= GLANCE
    assert glance <= lifetime / 12 + 1e-3
    zone = it.zone(wall, steady)
    almost = glance * 0.99
    assert it.zone(wall + almost, steady + almost) is zone


def test_what_is_behind_its_issue_is_not_usable() -> None:
    assert held(age=-299).usable
    assert not held(age=-301).usable


def test_the_drift_of_the_clocks() -> None:
    assert held().drift(WALL + 100, STEADY + 90) == 10
    assert held().drift(WALL - 3600, STEADY + 1) == -3601


def test_a_later_token_replaces_it() -> None:
    it = held()
    assert it.replaced_by(token(2))
    assert it.replaced_by(replace(token(2), issued_at=0))
    assert it.replaced_by(token(1, issued_at=START + 1)), "removed and added again: versions begin anew"
    assert not it.replaced_by(token(1))
