from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vestal.core.events import Event, Kind
from vestal.daemon.broadcast import Numbered
from vestal.daemon.dashboard.stories import Story, stories

REFRESH = (Kind.LEASE_TAKEN, Kind.REFRESH_STARTED, Kind.INTENT_SAVED, Kind.RESPONSE_RECEIVED, Kind.TOKEN_SAVED)


def told(*events: tuple[str, Kind] | tuple[str, Kind, dict[str, Any]]) -> list[Story]:
    numbered = [
        Numbered(number, Event(each[1], each[0], 100.0 + number / 10, each[2] if len(each) > 2 else {}))
        for number, each in enumerate(events, 1)
    ]
    return stories(numbered)


def test_a_refresh_is_one_story_with_its_steps() -> None:
    steps = [("alice", kind) for kind in REFRESH]

    found = told(*steps, ("alice", Kind.REFRESHED, {"version": 2, "reason": "due"}))

    assert len(found) == 1
    assert found[0].mark.word == "Refreshed"
    assert found[0].detail == "version 2, it was due"
    assert found[0].took is not None
    assert round(found[0].took, 3) == 0.4
    assert [round(step.after, 1) for step in found[0].steps] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]


def test_refreshes_of_two_at_once_are_two_stories_the_latest_first() -> None:
    found = told(
        ("alice", Kind.REFRESH_STARTED),
        ("bob", Kind.REFRESH_STARTED),
        ("alice", Kind.REFRESHED),
        ("bob", Kind.REFRESH_FAILED, {"message": "no connection"}),
    )

    assert [(story.credential, story.mark.word) for story in found] == [
        ("bob", "Refresh failed"),
        ("alice", "Refreshed"),
    ]


def test_one_under_way_says_so_and_a_new_one_begins_anew() -> None:
    found = told(("alice", Kind.LEASE_TAKEN), ("alice", Kind.REFRESH_STARTED), ("alice", Kind.LEASE_TAKEN))

    assert [story.mark.word for story in found] == ["Refreshing", "Refreshing"]
    assert [len(story.steps) for story in found] == [0, 2]


def test_that_a_login_is_needed_is_told_with_the_failures_own_words() -> None:
    found = told(
        ("alice", Kind.REFRESH_STARTED),
        ("alice", Kind.REFRESH_FAILED, {"message": "the service refused it"}),
        ("alice", Kind.LOGIN_NEEDED, {"reason": "refused"}),
    )

    assert len(found) == 1
    assert (found[0].mark.word, found[0].detail) == ("A person has to log in", "the service refused it")


def test_a_login_is_one_story_and_what_takes_its_token_is_none() -> None:
    found = told(
        ("alice", Kind.CHANGED),
        ("alice", Kind.CHANGED),
        ("alice", Kind.LOGGED_IN, {"version": 3}),
        ("alice", Kind.TOKEN_ADOPTED, {"version": 3}),
        ("alice", Kind.TOKEN_ADOPTED, {"version": 4}),
    )

    assert [(story.mark.word, len(story.steps)) for story in found] == [
        ("Took over the store's token", 0),
        ("A person logged in", 3),
    ]


@given(st.lists(st.tuples(st.sampled_from(["alice", "bob"]), st.sampled_from(list(Kind)))))
def test_every_event_is_in_one_story_of_its_credential(events: list[tuple[str, Kind]]) -> None:
    found = stories([Numbered(n, Event(kind, name, float(n))) for n, (name, kind) in enumerate(events)], most=1000)

    dropped = sum(kind is Kind.TOKEN_ADOPTED for _, kind in events)
    counted = sum(max(len(story.steps), 1) for story in found)
    assert len(events) - dropped <= counted <= len(events)
    assert [story.at for story in found] == sorted((story.at for story in found), reverse=True)
