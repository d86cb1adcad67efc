from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home
from vestal.operations.doors.git import get
from vestal.operations.doors.hosts import Place
from vestal.services.git_protocol import Question

PLACES = {"git.example.com": Place("git.example.com", "a")}
CAN = frozenset({"authtype"})


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "home")) as home:
        app = App(provider="custom", settings={"token_url": "https://e.example/t", "client_auth": "none"})
        home.store.save(Credential(name="a", app=app, token=Token(Secret("t")), version=1))
        yield home


@pytest.mark.parametrize(
    "question",
    [
        Question("https", "evil.example"),
        Question("http", "git.example.com"),
        Question("ssh", "git.example.com"),
        Question("", "git.example.com"),
        Question("https", "git.example.com:8443"),
        Question("https", "evil.example@git.example.com.evil.example"),
        Question(),
    ],
)
def test_what_is_not_ours_to_answer(home: Home, question: Question) -> None:
    assert get(home, question, PLACES) is None


@pytest.mark.parametrize(
    ("question", "bearer", "as_bearer"),
    [
        (Question("https", "git.example.com"), False, False),
        (Question("https", "git.example.com:443"), False, False),
        (Question("https", "git.example.com", capabilities=CAN), False, False),
        (Question("https", "git.example.com", capabilities=CAN), True, True),
        (Question("https", "git.example.com"), True, False),
        (Question("https", "git.example.com", capabilities=CAN, challenges=("Bearer x",)), False, True),
        (Question("https", "git.example.com", challenges=("Bearer x",)), False, False),
    ],
)
def test_how_it_is_sent(home: Home, question: Question, bearer: bool, as_bearer: bool) -> None:
    told = get(home, question, {"git.example.com": Place("git.example.com", "a", bearer=bearer)})
    assert told is not None
    assert ("authtype=Bearer\ncredential=t\n" in told.reveal()) is as_bearer
    assert ("username=oauth2\npassword=t\n" in told.reveal()) is not as_bearer
