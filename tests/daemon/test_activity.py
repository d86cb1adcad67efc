from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.crowd import Crowd
from vestal.core.errors import VestalError
from vestal.core.events import Event, Kind
from vestal.daemon.activity import Activity, Attempt, Recent


def tell(activity: Activity, name: str, *events: tuple[Kind, float, dict[str, Any]]) -> None:
    for kind, at, data in events:
        activity(Event(kind, name, at, data))


def refreshed(activity: Activity, name: str, at: float, took: float = 0.25, version: int = 2) -> None:
    tell(
        activity,
        name,
        (Kind.REFRESH_STARTED, at, {"reason": "due", "version": version - 1}),
        (Kind.REFRESHED, at + took, {"version": version, "reason": "due", "what": "refresh"}),
    )


def test_what_becomes_of_refreshes() -> None:
    activity = Activity()
    assert activity.of("alice") == Recent()
    tell(
        activity,
        "alice",
        (Kind.LEASE_TAKEN, 99.0, {}),
        (Kind.REFRESH_STARTED, 100.0, {"reason": "early", "version": 1}),
        (Kind.RETRY_SCHEDULED, 100.5, {"cause": "TIMEOUT", "wait": 1.0, "tries": 1}),
        (Kind.REFRESHED, 102.0, {"version": 2, "reason": "early", "what": "refresh"}),
        (Kind.REFRESH_STARTED, 200.0, {"reason": "refused", "version": 2}),
        (Kind.REFRESH_FAILED, 203.0, {"category": "TIMEOUT", "message": "no answer"}),
        (Kind.REFRESH_STARTED, 300.0, {"reason": "due", "version": 2}),
        (Kind.RECOVERY_STARTED, 300.0, {"answered": False, "replayed": False}),
        (Kind.REFRESH_FAILED, 300.5, {"category": "NEEDS_LOGIN", "message": "interrupted"}),
        (Kind.LOGGED_IN, 400.0, {"version": 3}),
    )
    assert activity.of("alice").attempts == (
        Attempt(100.0, 2.0, True, "early", None, 2, "refresh", "alice"),
        Attempt(200.0, 3.0, False, "refused", "TIMEOUT", None, "refresh", "alice"),
        Attempt(300.0, 0.5, False, "due", "NEEDS_LOGIN", None, "recovery", "alice"),
        Attempt(400.0, 0.0, True, "login", None, 3, "login", "alice"),
    )


def test_a_recovery_is_told_from_the_refresh_after_it() -> None:
    activity = Activity()
    tell(
        activity,
        "alice",
        (Kind.REFRESH_STARTED, 100.0, {"reason": "due"}),
        (Kind.RECOVERY_STARTED, 100.0, {}),
        (Kind.REFRESHED, 101.0, {"version": 2, "reason": "due", "what": "recovery"}),
        (Kind.REFRESH_STARTED, 200.0, {"reason": "due"}),
        (Kind.REFRESH_FAILED, 201.0, {"category": "TIMEOUT"}),
    )
    assert [attempt.what for attempt in activity.of("alice").attempts] == ["recovery", "refresh"]


def test_one_without_an_end_gives_way_and_one_without_a_beginning_took_no_time() -> None:
    activity = Activity()
    tell(
        activity,
        "alice",
        (Kind.REFRESH_STARTED, 100.0, {"reason": "asked"}),
        (Kind.RECOVERY_STARTED, 100.0, {}),
        (Kind.REFRESH_STARTED, 150.0, {"reason": "due"}),
        (Kind.REFRESH_FAILED, 151.0, {"category": "TIMEOUT"}),
        (Kind.REFRESH_FAILED, 160.0, {}),
    )
    assert activity.of("alice").attempts == (
        Attempt(150.0, 1.0, False, "due", "TIMEOUT", credential="alice"),
        Attempt(160.0, 0.0, False, "", "UNEXPECTED_ERROR", credential="alice"),
    )


def test_a_login_while_a_refresh_is_under_way_is_not_its_end() -> None:
    activity = Activity()
    tell(
        activity,
        "alice",
        (Kind.REFRESH_STARTED, 100.0, {"reason": "due"}),
        (Kind.LOGGED_IN, 101.0, {"version": 2}),
        (Kind.REFRESH_FAILED, 102.0, {"category": "TIMEOUT"}),
    )
    assert [(attempt.at, attempt.seconds) for attempt in activity.of("alice").attempts] == [(101.0, 0.0), (100.0, 2.0)]


def test_a_clock_that_is_set_back_makes_no_negative_time() -> None:
    activity = Activity()
    refreshed(activity, "alice", 100.0, took=-50.0)
    assert activity.of("alice").attempts[0].seconds == 0.0


def test_memory_is_bounded() -> None:
    activity = Activity(attempts=3, credentials=2)
    for number in range(5):
        refreshed(activity, "alice", 100.0 + number)
    refreshed(activity, "bob", 200.0)
    assert [attempt.at for attempt in activity.of("alice").attempts] == [102.0, 103.0, 104.0]
    refreshed(activity, "alice", 300.0)
    refreshed(activity, "carol", 400.0)
    assert activity.of("bob") == Recent()  # the one that nothing has happened to for longest
    assert len(activity.of("alice").attempts) == 3
    for number in range(100):
        tell(activity, f"user-{number}", (Kind.LEASE_TAKEN, 500.0, {}), (Kind.TOKEN_ADOPTED, 500.0, {"version": 1}))
    assert activity.of("carol") != Recent()  # no attempts, so nothing to remember


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5)), max_size=40), st.integers(-1, 30))
def test_the_latest_of_all_come_first(steps: list[tuple[str, int]], limit: int) -> None:
    activity, now = Activity(), 0.0
    for name, passed in steps:
        now += passed
        refreshed(activity, name, now, took=0.0)
    found = activity.recent(limit, lambda name: name != "d")
    assert len(found) == min(max(limit, 0), sum(name != "d" for name, _ in steps))
    assert [attempt.at for attempt in found] == sorted((attempt.at for attempt in found), reverse=True)
    everything = [attempt for name in "abc" for attempt in activity.of(name).attempts]
    assert sorted(attempt.at for attempt in everything)[::-1][: len(found)] == [attempt.at for attempt in found]


def test_events_and_readers_in_many_threads() -> None:
    activity = Activity(attempts=50, credentials=10)
    start = threading.Barrier(5)

    def work(name: str) -> None:
        start.wait()
        for number in range(500):
            refreshed(activity, name, float(number))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    start.wait()
    while any(thread.is_alive() for thread in threads):
        activity.recent(100)
        activity.of("a")
    for thread in threads:
        thread.join()
    assert len(activity.recent(1000)) == 200


def test_a_real_lifecycle_is_heard() -> None:
    crowd = Crowd()
    activity = Activity()
    crowd.home.lifecycle.events.listen(activity)
    crowd.add("alice", age=None)
    crowd.home.token("alice")
    crowd.service.status["a.test"] = 503
    crowd.clock.advance(3600)
    with pytest.raises(VestalError):
        crowd.home.token("alice")
    told = [(each.ok, each.reason, each.category, each.version) for each in activity.of("alice").attempts]
    assert told == [(True, "due", None, 1), (False, "due", "HTTP_ERROR", None)]
