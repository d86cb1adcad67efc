from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError, VestalError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home
from vestal.operations.doors.bearer import bearer, variable


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "home")) as home:
        yield home


def keep(home: Home, text: str, token_type: str = "Bearer") -> None:
    app = App(provider="custom", client_id="x", settings={"token_url": "https://e.example/t", "client_auth": "none"})
    home.store.save(Credential(name="a", app=app, token=Token(Secret(text), token_type), version=1))


def test_a_token_that_can_be_repeated(home: Home) -> None:
    keep(home, "abc.DEF-123_~+/==")
    assert bearer(home, "a").access_token == Secret("abc.DEF-123_~+/==")


@pytest.mark.parametrize("text", ["a\nhost=evil", "a b", "a\r", "é", "a\0"])
def test_no_line_of_somebody_else_s_choice(home: Home, text: str) -> None:
    keep(home, text)
    with pytest.raises(ConfigError) as caught:
        bearer(home, "a")
    assert text not in str(caught.value)


def test_a_bound_token_is_of_no_use_to_others(home: Home) -> None:
    keep(home, "abc", "DPoP")
    with pytest.raises(VestalError, match="bound to a key"):
        bearer(home, "a")


@pytest.mark.parametrize(
    ("name", "variable_name"), [("acme-bot", "ACME_BOT_TOKEN"), ("a/b.c", "A_B_C_TOKEN"), ("7up", "_7UP_TOKEN")]
)
def test_the_variable(name: str, variable_name: str) -> None:
    assert variable(name) == variable_name
