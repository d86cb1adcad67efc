"""The geometry of the chart: all of it within the view box, whatever the attempts; and what it says in words."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.daemon.activity import Attempt
from vestal.daemon.dashboard.chart import Chart, Mark, chart

NOW = 1_800_000_000.0
HOUR = 3600.0


def attempt(ago: float, seconds: float = 0.25, *, ok: bool = True, what: str = "refresh", version: int = 7) -> Attempt:
    reason = "login" if what == "login" else "due"
    return Attempt(NOW - ago, seconds, ok, reason, None if ok else "TIMEOUT", version if ok else None, what, "alice")


def drawn(*attempts: Attempt) -> Chart:
    return chart(attempts, NOW, title="Refreshes")


numbers = st.floats(allow_nan=False, allow_infinity=False)
ages = st.floats(-HOUR, 100 * HOUR) | numbers
attempts = st.builds(
    attempt,
    ages,
    st.floats(0, 120) | st.just(0.0) | numbers,
    ok=st.booleans(),
    what=st.sampled_from(["refresh", "recovery", "login"]),
)
few = st.lists(attempts, max_size=8)
crowds = few | few.map(lambda some: (some * 100)[:100])


@given(crowds, numbers | st.just(NOW))
def test_everything_is_within_the_view_box(crowd: list[Attempt], now: float) -> None:
    found = chart(crowd, now, title="Refreshes")
    assert len(found.marks) == len(crowd)
    for mark in found.marks:
        assert found.left <= mark.x <= mark.x + mark.width <= found.right + 0.05
        assert found.top <= mark.y
        assert mark.height >= 1
        assert mark.y + mark.height == pytest.approx(found.bottom, abs=0.11)
        for x, y in corners(mark):
            assert 0 <= x <= found.width
            assert 0 <= y <= found.height
    for tick in found.times:
        assert found.left <= tick.position <= found.right
    for tick in found.durations:
        assert found.top <= tick.position <= found.bottom
    assert 0 < len(found.times) <= 8
    assert len(found.durations) <= 7
    for ticks in (found.times, found.durations):
        assert len({tick.label for tick in ticks}) == len(ticks)
    assert all(before.position < after.position for before, after in pairwise(found.times))
    assert all(before.position > after.position for before, after in pairwise(found.durations))
    assert not re.search(r"nan|inf\b", repr(found))


def corners(mark: Mark) -> list[tuple[float, float]]:
    """The points that a symbol's path goes through; of its commands, only M is absolute."""
    points: list[tuple[float, float]] = []
    x = y = 0.0
    for command, numbers in re.findall(r"([MlmLz])([^MlmLz]*)", mark.symbol):
        if command == "z":
            continue
        right, down = (float(number) for number in numbers.split())
        x, y = (right, down) if command == "M" else (x + right, y + down)
        points.append((x, y))
    return points


@given(crowds)
def test_time_goes_from_left_to_right_and_longer_is_higher(crowd: list[Attempt]) -> None:
    marks = chart(crowd, NOW, title="").marks
    for one, other in pairwise(sorted(marks, key=lambda mark: mark.attempt.at)):
        assert one.x <= other.x
    timed = [mark for mark in marks if mark.kind != "login"]
    for one, other in pairwise(sorted(timed, key=lambda mark: mark.attempt.seconds)):
        assert one.height <= other.height


@given(crowds)
def test_kinds_differ_in_shape_and_not_in_colour_alone(crowd: list[Attempt]) -> None:
    for mark in chart(crowd, NOW, title="").marks:
        shape = {"": "good", "z": "login"}.get(mark.symbol[-1:], "failed")
        assert mark.kind == shape
        assert mark.kind == ("login" if mark.attempt.what == "login" else "good" if mark.attempt.ok else "failed")


def test_none() -> None:
    found = drawn()
    assert (found.marks, found.durations, found.logarithmic) == ((), (), False)
    assert found.summary == "No refreshes yet"
    assert found.times[-1].label == "now"


def test_one() -> None:
    found = drawn(attempt(0.0, 0.21))
    (mark,) = found.marks
    assert mark.x + mark.width == found.right
    assert [tick.label for tick in found.durations] == ["0 s", "0.1 s", "0.2 s", "0.3 s"]
    assert mark.height == pytest.approx((found.bottom - found.top) * 0.7, abs=0.06)
    assert mark.label == "now: refresh (due) in 0.21 s, token 7"
    assert found.summary == "1 refresh in the last minute; median 0.21 s"


def test_equal_times_are_at_one_place() -> None:
    found = drawn(*(attempt(60.0, 0.1 * number) for number in range(1, 4)))
    assert len({mark.x for mark in found.marks}) == 1
    assert found.marks[0].x == found.left


def test_a_day_of_refreshes() -> None:
    crowd = [attempt(HOUR * number, 0.2 + 0.01 * number, ok=number != 2) for number in range(24, 0, -1)]
    found = drawn(*crowd, attempt(30 * 60, what="login", version=8))
    assert found.summary == "24 refreshes in the last 24 hours, 1 failed; median 0.33 s; 1 login"
    assert [tick.label for tick in found.times] == ["1 d", "18 h", "12 h", "6 h", "now"]
    assert not found.logarithmic
    assert found.marks[-1].kind == "failed"  # drawn over the others
    labels = {mark.kind: mark.label for mark in found.marks}
    assert labels["failed"] == "2 h ago: refresh (due) failed after 0.22 s, TIMEOUT"
    assert labels["login"] == "30 min ago: login, token 8"


def test_one_that_hung_does_not_flatten_the_others() -> None:
    found = drawn(*(attempt(number, 0.2) for number in range(9, 1, -1)), attempt(1, 60.0, ok=False))
    assert found.logarithmic
    assert [tick.label for tick in found.durations] == ["0.1 s", "1 s", "10 s", "100 s"]
    assert min(mark.height for mark in found.marks) > 10


def test_two_of_unlike_length_are_shown_from_0() -> None:
    assert not drawn(attempt(2, 0.1), attempt(1, 60.0)).logarithmic


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (0, "minute"),
        (61, "2 minutes"),
        (90 * 60, "2 hours"),
        (3 * HOUR, "3 hours"),
        (26 * HOUR, "26 hours"),
        (36 * HOUR, "2 days"),
    ],
)
def test_the_time_that_it_covers(ago: float, words: str) -> None:
    assert f"in the last {words};" in drawn(attempt(ago)).summary


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (0.004, "0.004 s"), (0.256, "0.26 s"), (9.99, "10 s"), (42, "42 s"), (90, "1 min 30 s")],
)
def test_how_long_it_took(seconds: float, words: str) -> None:
    assert drawn(attempt(1, seconds)).summary.endswith(f"; median {words}")


def test_a_clock_that_was_set_back_keeps_the_future_at_the_edge() -> None:
    found = drawn(attempt(HOUR), attempt(-HOUR))
    assert found.marks[1].x + found.marks[1].width == found.right


def test_a_recovery_is_told() -> None:
    assert drawn(attempt(5, what="recovery")).marks[0].label == "5 s ago: recovery (due) in 0.25 s, token 7"
