from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.home import Home
from vestal.operations.doors.hosts import Place, host_of, place_of, places


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with closing(Home(tmp_path)) as home:
        yield home


def write(home: Home, text: str) -> None:
    (home.folder / "hosts.toml").write_text(text)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://Git.Example.com/acme/x.git", "git.example.com"),
        ("https://git.example.com:443", "git.example.com"),
        ("https://git.example.com:8443/", "git.example.com:8443"),
        ("https://user:secret@git.example.com/", "git.example.com"),
        ("https://git.example.com@evil.example/", "evil.example"),
        ("registry.example.com:5000", "registry.example.com:5000"),
        ("registry.example.com/acme", "registry.example.com"),
        ("http://127.0.0.1:80/", "127.0.0.1"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://[::1]:9/", "[::1]:9"),
        ("http://git.example.com/", ""),
        ("http://127.0.0.1.evil.example/", ""),
        ("ssh://git.example.com", ""),
        ("https://[x", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert host_of(address) == host


@given(st.text())
def test_any_text_has_a_host_or_none(text: str) -> None:
    assert host_of(text) == host_of(text).lower()


def test_places(home: Home) -> None:
    assert places(home) == {}
    write(home, '["Git.Example.com:443"]\ncredential = "acme/x"\nusername = "me"\nbearer = true\n')
    place = Place("git.example.com", "acme/x", "me", True)
    assert places(home) == {"git.example.com": place}
    assert place_of(home, "https://git.example.com/x") == place
    assert place_of(home, "http://git.example.com/x") is None
    assert place_of(home, "https://x.git.example.com") is None
    assert place_of(home, "") is None


@pytest.mark.parametrize(
    "text",
    [
        "[",
        'x = "y"',
        '["git.example.com"]',
        '["git.example.com"]\ncredential = 1',
        '["git.example.com"]\ncredential = "a b"',
        '["git.example.com"]\ncredential = "a"\ncolour = "red"',
        '["git.example.com"]\ncredential = "a"\nbearer = "yes"',
        '["git.example.com"]\ncredential = "a"\nusername = "a\\nhost=b"',
        '["https://git.example.com"]\ncredential = "a"',
        '[""]\ncredential = "a"',
    ],
)
def test_what_is_wrong_in_it(home: Home, text: str) -> None:
    write(home, text)
    with pytest.raises(ConfigError):
        places(home)


def test_the_name_beside_the_token() -> None:
    assert Place("h", "c").username_for("") == "oauth2"
    assert Place("h", "c").username_for("me") == "me"
    assert Place("h", "c", "me").username_for("") == "me"
    assert Place("h", "c", "me").username_for("me") == "me"
    assert Place("h", "c", "me").username_for("you") is None
