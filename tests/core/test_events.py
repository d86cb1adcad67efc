from __future__ import annotations

import logging
import threading

import pytest

from vestal.core.events import Event, EventCounter, Events, Kind, log_events


def event(kind: Kind = Kind.REFRESHED, credential: str = "spotify", **data: object) -> Event:
    return Event(kind, credential, 1000.0, data)


def test_all_listeners_hear_in_turn() -> None:
    heard: list[str] = []
    events = Events([lambda e: heard.append("first " + e.kind)])
    events.listen(lambda e: heard.append("second " + e.kind))
    events.emit(event())
    assert heard == ["first refreshed", "second refreshed"]


def test_a_failing_listener_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Event] = []

    def fails(_: Event) -> None:
        raise RuntimeError("listener broke")

    Events([fails, heard.append]).emit(event())
    assert len(heard) == 1
    assert [(record.name, record.levelno) for record in caplog.records] == [("vestal", logging.ERROR)]
    assert "refreshed" in caplog.text


def test_a_listener_may_add_a_listener() -> None:
    heard: list[Event] = []
    events = Events()
    events.listen(lambda e: events.listen(heard.append))
    events.emit(event())
    assert heard == []
    events.emit(event())
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        (Kind.REFRESHED, "INFO"),
        (Kind.INTENT_SAVED, "DEBUG"),
        (Kind.REFRESH_FAILED, "WARNING"),
        (Kind.LOGIN_NEEDED, "ERROR"),
    ],
)
def test_events_are_logged_by_their_weight(kind: Kind, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "vestal")
    log_events(event(kind, version=3, reason="due"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (level, f"spotify {kind} version=3 reason=due")
    ]


def test_counting_by_credential_and_kind_from_many_threads() -> None:
    counter = EventCounter()

    def work(name: str) -> None:
        for _ in range(500):
            counter(event(Kind.REFRESHED, name))

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "a", "b", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counter(event(Kind.REFRESH_FAILED, "a"))
    assert counter.count(Kind.REFRESHED) == 2000
    assert counter.count(Kind.REFRESHED, "b") == 1000
    assert counter.count(Kind.REFRESH_FAILED, "b") == 0
