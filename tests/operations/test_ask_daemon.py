"""`ask`, with a daemon at the home's socket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from socket import AF_UNIX
from socket import socket as Socket

import pytest

from tests.client.stand_in import Asked, Reply, StandIn, problem, token
from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, NeedsLogin, NetworkError, Outcome
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response
from vestal.home import Home
from vestal.operations.ask import ask, refresh, tell_daemon
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


def test_a_daemon_that_hangs_is_none(home: Home) -> None:
    path = socket_path(home.folder)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Socket(AF_UNIX)) as silent:
        silent.bind(str(path))
        path.chmod(0o600)
        silent.listen()  # connections are taken by the kernel, and nobody answers
        assert ask(home, "a", soon=0.1).access_token.reveal() == "of the home"


def test_a_daemon_that_waits_for_a_service_is_waited_for(home: Home) -> None:
    heard: list[str] = []

    def reply(asked: Asked) -> Reply:
        heard.append(asked.line.split()[1])
        if asked.line.startswith("GET"):
            return Reply({"ok": True})
        if len(heard) == 1:
            time.sleep(1.2)
        return token(7)

    with StandIn(reply, socket_path(home.folder)):
        assert ask(home, "a", soon=1.0).access_token.reveal() == "token-7"
    assert heard == ["/v1/credentials/a/token", "/healthz", "/v1/credentials/a/token"]


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


REFRESHED = Reply({"name": "a", "version": 7, "expires_in": 3600})


def by_itself(home: Home, reply: Reply) -> bool:
    """Whether `refresh` goes to the service itself while a daemon replies so."""
    sent: list[str] = []

    def send(request: Request) -> Response:
        sent.append(request.url)
        raise NetworkError("down", outcome=Outcome.NOT_SENT)

    home.lifecycle.update("a", lambda credential: replace(credential, refresh_token=Secret("r")))
    with (
        closing(Home(home.folder, send=send)) as ours,
        StandIn(lambda asked: reply, socket_path(home.folder)) as daemon,
    ):
        with pytest.raises(NetworkError, match="down"):
            refresh(ours, "a")
        assert daemon.asked[0].line == "POST /v1/credentials/a/refresh HTTP/1.1"
    return bool(sent)


def test_a_daemon_refreshes(home: Home) -> None:
    def answer(asked: Asked) -> Reply:
        return REFRESHED if "/refresh " in asked.line else token(7)

    with StandIn(answer, socket_path(home.folder)) as daemon:
        found = refresh(home, "a")
    assert (found.version, found.access_token.reveal()) == (7, "token-7")
    assert [asked.line.split()[1].rpartition("/")[2] for asked in daemon.asked] == ["refresh", "token"]


def test_what_it_says_of_a_refresh_counts(home: Home) -> None:
    for reply, kind in ((problem("NEEDS_LOGIN", 409), NeedsLogin), (problem("CONFIG_ERROR", 422), ConfigError)):
        with (
            StandIn(lambda asked, reply=reply: reply, socket_path(home.folder)),  # type: ignore[misc]
            pytest.raises(kind, match="it went wrong"),
        ):
            refresh(home, "a")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b""),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le"),
        Reply({"hello": "world"}),
        problem("CONFIG_ERROR", 404),
        problem("NETWORK_ERROR", 503),
    ],
)
def test_without_a_last_word_it_is_refreshed_here(home: Home, reply: Reply) -> None:
    assert by_itself(home, reply)


def test_a_daemon_is_told_of_a_change(home: Home) -> None:
    for reply in (Reply(status=204), problem("CONFIG_ERROR", 404), Reply(raw=b""), Reply(raw=b"nonsense")):
        with StandIn(lambda asked, reply=reply: reply, socket_path(home.folder)) as daemon:  # type: ignore[misc]
            tell_daemon(home, "a")
        assert [asked.line for asked in daemon.asked] == ["POST /v1/credentials/a/changed HTTP/1.1"]
    tell_daemon(home, "a")  # there is none
