"""`ask`, with a daemon at the home's socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.client.stand_in import Asked, Reply, StandIn, problem, token
from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, NeedsLogin
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home
from vestal.operations.ask import ask
from vestal.runtime import socket_path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "home")) as home:
        app = App(provider="custom", settings={"token_url": "https://e.example/t", "client_auth": "none"})
        home.store.save(Credential(name="a", app=app, token=Token(Secret("of the home"), version=7), version=7))
        yield home


def given(home: Home, reply: Reply) -> str:
    """What `ask` gives while a daemon replies so."""
    with StandIn(lambda asked: reply, socket_path(home.folder)) as daemon:
        found = ask(home, "a", 0, 60)
        assert daemon.asked[0].line == "POST /v1/credentials/a/token HTTP/1.1"
        assert daemon.asked[0].body == {"newer_than": 0, "min_ttl": 60}
    return found.access_token.reveal()


def test_a_daemon_is_asked_first(home: Home) -> None:
    assert given(home, token(7)) == "token-7"


def test_what_it_says_counts(home: Home) -> None:
    with pytest.raises(NeedsLogin, match="it went wrong"):
        given(home, problem("NEEDS_LOGIN", 409))
    with pytest.raises(ConfigError):
        given(home, problem("CONFIG_ERROR", 422))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b""),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le"),
        Reply({"hello": "world"}),
        Reply({"error": "not found"}, 404),
        problem("CONFIG_ERROR", 404),
        problem("NETWORK_ERROR", 503),
    ],
)
def test_without_a_last_word_the_home_is_asked(home: Home, reply: Reply) -> None:
    assert given(home, reply) == "of the home"


def test_nor_is_a_socket_believed_that_others_may_have_made(home: Home) -> None:
    path = socket_path(home.folder)
    with StandIn(lambda asked: token(7), path) as daemon:
        path.parent.chmod(0o777)
        assert ask(home, "a").access_token.reveal() == "of the home"
        assert daemon.asked == []


def test_a_token_that_somebody_has_replaced_meanwhile(home: Home) -> None:
    """The daemon has not seen yet that the store has version 7."""
    versions: list[object] = []

    def answer(asked: Asked) -> Reply:
        versions.append(asked.body.get("newer_than"))
        return token(7 if asked.body.get("newer_than") == 6 else 5)

    with StandIn(answer, socket_path(home.folder)):
        assert ask(home, "a").version == 7
    assert versions == [None, 6]


def test_a_daemon_that_stays_behind(home: Home) -> None:
    assert given(home, token(5)) == "of the home"


def test_a_credential_that_somebody_has_removed_meanwhile(home: Home) -> None:
    home.store.delete("a")
    with pytest.raises(ConfigError, match="no credential of that name"):
        given(home, token(7))


def test_a_store_that_can_t_be_read(home: Home) -> None:
    home.store.close()
    home.folder.chmod(0o777)
    with closing(Home(home.folder)) as blind:
        assert given(blind, token(3)) == "token-3"
