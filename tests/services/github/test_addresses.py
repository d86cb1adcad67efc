"""Where calls go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.oauth2.address import origin
from vestal.services.github.addresses import address, moved
from vestal.services.github.place import Place

SERVER = Place.of("https://git.example.com")


def test_paths_and_addresses() -> None:
    assert address(Place.of(), "/user", {}) == "https://api.github.com/user"
    assert address(SERVER, "user", {"page": 2}) == "https://git.example.com/api/v3/user?page=2"
    given = "https://git.example.com/api/v3/repositories/5/pulls?page=2"
    assert address(SERVER, given, {"per_page": 100}) == given + "&per_page=100"


@pytest.mark.parametrize(
    "url", ["https://api.github.com@evil.example/", "http://api.github.com/", "https://api.github.com:444/", "x://["]
)
def test_elsewhere(url: str) -> None:
    with pytest.raises(ConfigError):
        address(Place.of(), url, {})


def test_redirects() -> None:
    assert moved("https://api.github.com/repos/a/b", "/repositories/5") == "https://api.github.com/repositories/5"
    assert moved("https://api.github.com/repos/a/b", "//evil.example/") is None
    assert moved("https://api.github.com/repos/a/b", "http://[") is None


@given(st.text(max_size=40))
def test_any_redirect_stays_or_is_none(location: str) -> None:
    target = moved("https://api.github.com/user", location)
    assert target is None or origin(target) == "https://api.github.com"
