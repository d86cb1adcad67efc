from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from vestal.core.credential import App
from vestal.core.errors import ConfigError, PermissionDenied
from vestal.core.events import Event, Kind
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.oauth2.login import loopback
from vestal.oauth2.loopback import Loopback
from vestal.oauth2.reception import Reception
from vestal.operations.login import log_in
from vestal.testing.clock import FakeClock
from vestal.testing.practice import PracticeServer
from vestal.testing.practice import log_in as decide


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def home(tmp_path: Path, practice: PracticeServer, events: list[Event]) -> Iterator[Home]:
    home = Home(tmp_path / "home", clock=FakeClock(), listeners=[events.append])
    endpoints = {"token": "token", "authorize": "authorize", "device": "device_authorization"}
    app = App(
        provider="custom",
        client_id="practice",
        client_secret=Secret("practice-secret"),
        grant="authorization_code",
        scopes=("read",),
        settings={f"{what}_url": f"{practice.url}/{path}" for what, path in endpoints.items()},
    )
    home.add("mine", app)
    yield home
    home.close()


class Person:
    """Brings the answer through a reception, after `meanwhile`."""

    def __init__(self, *, allow: bool = True, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.reception = Reception(30)
        self.allow = allow
        self.meanwhile = meanwhile

    def open_browser(self, address: str) -> bool:
        self.meanwhile()
        self.reception.take(Secret(urlsplit(decide(address, allow=self.allow, follow=False)).query))
        return True

    def receive(self, app: App, limit: float) -> Loopback:
        return loopback(app, limit, self.reception)


def enter(home: Home, person: Person) -> int:
    return log_in(
        home, "mine", open_browser=person.open_browser, tell=lambda prompt: None, receive=person.receive
    ).version


def test_it_is_authorizing_while_it_lasts(home: Home, events: list[Event]) -> None:
    def look() -> None:
        until.append(home.lifecycle.load("mine").authorizing_until)

    until: list[float | None] = []
    assert enter(home, Person(meanwhile=look)) == 1
    assert until == [home.clock.now() + 300]
    assert home.lifecycle.load("mine").authorizing_until is None
    assert [event.kind for event in events] == [Kind.CHANGED, Kind.CHANGED, Kind.LOGGED_IN]


def test_and_not_after_it_has_failed(home: Home) -> None:
    with pytest.raises(PermissionDenied) as caught:
        enter(home, Person(allow=False))
    assert caught.value.credential == "mine"
    assert home.lifecycle.load("mine").authorizing_until is None


def test_the_mark_of_another_login_is_left(home: Home) -> None:
    """Of another process, say: what fails here is over, and that one is not."""

    def another_begins() -> None:
        home.lifecycle.update("mine", lambda credential: replace(credential, authorizing_until=theirs))

    theirs = home.clock.now() + 600
    with pytest.raises(PermissionDenied):
        enter(home, Person(allow=False, meanwhile=another_begins))
    assert home.lifecycle.load("mine").authorizing_until == theirs


def test_the_clock_can_be_another(home: Home) -> None:
    class Ended(FakeClock):
        def sleep(self, seconds: float) -> None:
            raise ConfigError("replaced")

    with pytest.raises(ConfigError, match="replaced"):
        log_in(
            home,
            "mine",
            device=True,
            open_browser=lambda address: False,
            tell=lambda prompt: None,
            clock=Ended(),
        )
    assert home.lifecycle.load("mine").authorizing_until is None
