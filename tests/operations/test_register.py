"""What can't work is refused before it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.operations.register import Registration, register


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    home.close()


def exchange(of: str) -> Registration:
    return Registration(
        token_url="https://issuer.example/token",
        client_id="app",
        client_secret=Secret("secret"),
        grant="token_exchange",
        settings={"subject_credential": of},
    )


def test_an_exchange_of_another_credentials_token(home: Home) -> None:
    register(home, "a", exchange("b"))
    register(home, "b", exchange("c"))
    assert home.store.names() == ["a", "b"]


@pytest.mark.parametrize(("name", "of"), [("a", "a"), ("b", "a"), ("c", "a")])
def test_a_circle_of_exchanges_is_refused(home: Home, name: str, of: str) -> None:
    if name != "a":
        register(home, "a", exchange("b"))
    if name == "c":
        register(home, "b", exchange("c"))
    before = home.store.names()
    with pytest.raises(ConfigError, match="its own token"):
        register(home, name, exchange(of))
    assert home.store.names() == before
