from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from vestal.core.credential import App, Credential
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.daemon.process.key_check import check_key
from vestal.home import Home
from vestal.stores.keys import KEY_LENGTH, Key, format_ring

APP = App(provider="custom", client_id="x", client_secret=Secret("s"))


def add(home: Home, name: str) -> None:
    home.store.save(Credential(name=name, app=APP))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path / "home", environ={})) as home:
        add(home, "b")
        yield home


def write_keys(home: Home, *bits: int) -> None:
    path = home.folder / "key"
    path.unlink()
    path.touch(mode=0o600)
    path.write_text(format_ring([Key.of(bytes([each]) * KEY_LENGTH) for each in bits]))


def test_the_right_key(home: Home) -> None:
    check_key(home)
    home.keys().add()
    check_key(home)  # a new one in front seals; the old one still opens


def test_another_key(home: Home) -> None:
    write_keys(home, 1, 2)
    with pytest.raises(ConfigError, match="the master key does not open the store"):
        check_key(home)


def test_no_key(home: Home) -> None:
    (home.folder / "key").unlink()
    with pytest.raises(ConfigError, match="is missing"):
        check_key(home)


def test_one_record_under_a_lost_key_keeps_nobody_from_the_rest(home: Home) -> None:
    write_keys(home, 1)
    add(home, "c")
    check_key(home)


def test_in_an_empty_store_any_key_will_do(home: Home) -> None:
    home.store.delete("b")
    write_keys(home, 1)
    check_key(home)


def test_a_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text("[key]\nsource = 'passphrase'\n")
    asked = 0

    def right() -> Secret:
        nonlocal asked
        asked += 1
        return Secret("correct horse")

    with closing(Home(folder, passphrase=right)) as home:
        check_key(home)
        add(home, "a")
        check_key(home)
    assert asked == 1
    with (
        closing(Home(folder, passphrase=lambda: Secret("wrong horse"))) as home,
        pytest.raises(ConfigError, match="the passphrase does not open the store"),
    ):
        check_key(home)
