from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, NeedsLogin, NetworkError, Outcome, VestalError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response
from vestal.home import Home
from vestal.operations.ask import ask
from vestal.testing.clock import FakeClock

LIFETIME = 3600.0


class Service:
    """Fails as it is told; counts what it was asked."""

    def __init__(self, failure: VestalError) -> None:
        self.failure = failure
        self.asked = 0

    def __call__(self, request: Request) -> Response:
        self.asked += 1
        raise self.failure


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service() -> Service:
    return Service(NetworkError("down", outcome=Outcome.NOT_SENT))


@pytest.fixture
def home(tmp_path: Path, clock: FakeClock, service: Service) -> Iterator[Home]:
    home = Home(tmp_path / "home", clock=clock, send=service)
    app = App(
        provider="custom", client_id="x", settings={"token_url": "https://e.example/token", "client_auth": "none"}
    )
    token = Token(Secret("t"), expires_at=clock.now() + LIFETIME, issued_at=clock.now(), version=1)
    home.store.save(Credential(name="alice", app=app, token=token, refresh_token=Secret("r"), version=1))
    yield home
    home.close()


def test_a_good_token_asks_nobody(home: Home, service: Service) -> None:
    assert ask(home, "alice").version == 1
    assert ask(home, "alice", newer_than=0, min_ttl=LIFETIME - 1).version == 1
    assert service.asked == 0


def test_a_due_token_is_given_while_the_service_is_down(home: Home, clock: FakeClock, service: Service) -> None:
    clock.advance(LIFETIME - 100)
    assert ask(home, "alice").version == 1
    assert service.asked > 0


def test_but_not_one_that_does_not_do_for_the_caller(home: Home, clock: FakeClock) -> None:
    clock.advance(LIFETIME - 100)
    with pytest.raises(NetworkError):
        ask(home, "alice", min_ttl=101)
    with pytest.raises(NetworkError):
        ask(home, "alice", newer_than=1)


def test_nor_one_that_has_expired(home: Home, clock: FakeClock) -> None:
    clock.advance(LIFETIME)
    with pytest.raises(NetworkError):
        ask(home, "alice")


def test_nor_one_of_unknown_age(home: Home, clock: FakeClock) -> None:
    clock.jump(-86400)
    with pytest.raises(NetworkError):
        ask(home, "alice")


def test_what_is_for_good_is_an_error(home: Home, clock: FakeClock, service: Service) -> None:
    service.failure = NeedsLogin("refused")
    clock.advance(LIFETIME - 100)
    with pytest.raises(NeedsLogin):
        ask(home, "alice")


@pytest.mark.parametrize("name", ["nobody", "", "a b"])
def test_names(home: Home, name: str) -> None:
    with pytest.raises(ConfigError):
        ask(home, name)
