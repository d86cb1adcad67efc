"""When which credential is to be refreshed, and whose turn it is. Pure: times are plain numbers here."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.credential import App, Credential, Intent, LastError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.lanes import Lanes
from vestal.daemon.schedule import CROWD_SPREAD, LATE, Hold, Plan, Schedule, Timeline, lane_of, plan
from vestal.stores.codec import public_part

NOW = 1_800_000_000.0
HOUR = 3600.0


def public(*, grant: str = "refresh_token", age: float | None = 0.0, life: float | None = HOUR, **fields: Any) -> Any:
    app = App(provider="custom", grant=grant, settings={"token_url": "https://a.test/token"})
    if age is not None:
        expires_at = None if life is None else NOW - age + life
        fields["token"] = Token(Secret("at"), issued_at=NOW - age, expires_at=expires_at)
    return public_part(Credential(name="acme", app=app, **fields))


def failure(category: str, **fields: Any) -> LastError:
    return LastError(**{"category": category, "message": "it failed", "at": NOW - 10, **fields})


@pytest.mark.parametrize(
    ("record", "due", "hold"),
    [
        (public(), NOW + HOUR - 600, None),
        (public(age=HOUR), NOW - 600, None),
        (public(age=None), NOW, None),
        (public(life=None), None, Hold.LASTING),
        (public(age=-HOUR), NOW, None),
        (public(intent=Intent(fingerprint="f", at=NOW, version=1, holder="a dead one")), NOW, None),
        (public(age=HOUR, last_error=failure("NEEDS_LOGIN")), None, Hold.NEEDS_LOGIN),
        (public(age=HOUR, last_error=failure("AUTH_FAILED")), NOW + HOUR - 10, Hold.REFUSED),
        (public(age=HOUR, last_error=failure("TIMEOUT", retry_at=NOW + 20)), NOW + 20, Hold.RETRY_AT),
        (public(age=HOUR, last_error=failure("TIMEOUT", retry_at=NOW - 5)), NOW - 600, None),
        (public(age=HOUR, last_error=failure("TIMEOUT", at=NOW + 9, retry_at=NOW + 20)), NOW - 600, None),
        (public(grant="client_credentials"), NOW + HOUR - 600, None),
        (public(grant="client_credentials", age=3.1 * HOUR), None, Hold.ON_DEMAND),
        (public(grant="client_credentials", age=None), None, Hold.ON_DEMAND),
    ],
)
def test_a_plan(record: Any, due: float | None, hold: Hold | None) -> None:
    found = plan(record, NOW, jitter=0.0)
    assert (found.due, found.hold) == (due, hold)
    assert found.lane == "custom https://a.test/token"


def test_jitter_moves_it_forward() -> None:
    assert plan(public(), NOW, jitter=1.0).due == NOW + HOUR - 720


def test_a_token_that_the_refresher_got_does_not_tell_of_anybody_asking() -> None:
    record = public(grant="client_credentials")
    assert plan(record, NOW, jitter=0.0, asked=NOW - 4 * HOUR, ours=True).hold is Hold.ON_DEMAND
    assert plan(record, NOW, jitter=0.0, asked=NOW - 2 * HOUR, ours=True).hold is None
    assert plan(record, NOW, jitter=0.0, asked=NOW - 4 * HOUR).asked == NOW


def test_an_installation_waits_with_the_others_of_its_app() -> None:
    app = {"provider": "github_app", "settings": {"installation_id": "42", "app": "acme"}}
    assert lane_of(app) == "github_app acme"
    assert lane_of({"provider": "spotify", "settings": {}}) == "spotify"


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 1e5))))
def test_time_never_goes_back_and_never_lags_behind_either_clock(steps: list[tuple[float, float]]) -> None:
    wall, steady = NOW, 50.0
    timeline = Timeline(wall, steady)
    before = timeline.now(wall, steady)
    for jump, passed in steps:
        wall, steady = wall + passed + jump, steady + passed
        now = timeline.now(wall, steady)
        assert now - before == pytest.approx(max(passed, passed + jump), abs=1e-3)
        before = now


def put(schedule: Schedule, name: str, due: float | None, *, seen: int = 1, revision: int = 1) -> None:
    schedule.put(name, revision, Plan(due, "a"), seen=seen, soonest=0.0, wall=0.0)


def test_the_earliest_comes_first_and_a_new_plan_voids_the_old() -> None:
    schedule = Schedule()
    put(schedule, "b", 20)
    put(schedule, "a", 10)
    put(schedule, "c", None)
    put(schedule, "b", 5)
    assert schedule.next_due() == 5
    assert [name for name, _ in schedule.take(6, lambda: 0.0)] == ["b"]
    assert [name for name, _ in schedule.take(30, lambda: 0.0)] == []  # `a` is late: put back, by no time at all
    assert [name for name, _ in schedule.take(30, lambda: 0.0)] == ["a"]
    assert schedule.next_due() is None
    assert len(schedule) == 3


def test_what_was_removed_never_comes() -> None:
    schedule = Schedule()
    put(schedule, "a", 10)
    put(schedule, "b", 10, seen=2)
    assert schedule.drop_unseen(2) == ["a"]
    schedule.drop("b")
    assert schedule.take(10, lambda: 0.0) == []
    assert schedule.next_due() is None


def test_a_heap_of_void_plans_does_not_grow_without_end() -> None:
    schedule = Schedule()
    for due in range(5000):
        put(schedule, "a", due)
    assert len(schedule._heap) <= 1002


@given(st.integers(1, 3000), st.floats(LATE + 1, 1e6), st.integers(0, 10_000))
def test_a_late_crowd_is_spread_once(count: int, late: float, seed: int) -> None:
    schedule = Schedule()
    for number in range(count):
        put(schedule, str(number), 0.0)
    chance = itertools.cycle([seed / 10_000 % 1.0, 0.25, 0.75])
    assert schedule.take(late, lambda: next(chance)) == []
    end = late + min(CROWD_SPREAD, count * 0.05)
    assert len(schedule.take(end, lambda: 0.0)) == count


# Whose turn it is


def drain(lanes: Lanes, now: float = 0.0) -> list[str]:
    names = []
    while (item := lanes.take(now)) is not None:
        names.append(item[1])
    return names


def test_lanes_take_turns_within_their_bounds() -> None:
    lanes = Lanes(at_once=5, per_lane=3)
    for number in range(10):
        lanes.put("a", f"a{number}", 1)
    for number in range(3):
        lanes.put("b", f"b{number}", 1)
    assert drain(lanes) == ["a0", "b0", "a1", "b1", "a2"]
    assert lanes.waiting == 8
    lanes.done("a")
    assert drain(lanes) == ["b2"]
    lanes.done("b")
    assert drain(lanes) == ["a3"]


def test_a_lane_that_rests_lets_the_others_pass() -> None:
    lanes = Lanes(at_once=9, per_lane=9)
    lanes.rest("a", until=10.0)
    lanes.put("a", "a0", 1)
    lanes.put("b", "b0", 1)
    assert drain(lanes, 5.0) == ["b0"]
    assert lanes.resting(5.0) == {"a": 5.0}
    assert lanes.next_wake(5.0) == 10.0
    assert drain(lanes, 10.0) == ["a0"]
    lanes.done("a")
    lanes.done("b")
    assert lanes.resting(10.0) == {}
    assert lanes.running == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
def test_nobody_is_lost_and_no_bound_is_passed(steps: list[tuple[str, bool]]) -> None:
    lanes = Lanes(at_once=4, per_lane=2)
    running: list[str] = []
    put = taken = 0
    for lane, ending in steps:
        if ending and running:
            lanes.done(running.pop(0))
        else:
            lanes.put(lane, str(put), 1)
            put += 1
        if (item := lanes.take(0.0)) is not None:
            running.append(item[0])
            taken += 1
        assert len(running) == lanes.running <= 4
        assert max(map(running.count, "abc")) <= 2
        assert lanes.waiting == put - taken
    while lanes.waiting or running:
        while (item := lanes.take(0.0)) is not None:
            running.append(item[0])
        lanes.done(running.pop())
    assert lanes.running == 0
