from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.daemon.login.place import Place, link_back, own_place

URL = "http://127.0.0.1:8378"
OWN = Place(f"{URL}/callback", 8378)


@pytest.mark.parametrize(
    ("settings", "url", "place"),
    [
        ({}, URL, OWN),
        ({"redirect_path": "/login/callback"}, URL, Place(f"{URL}/login/callback", 8378)),
        ({"redirect_path": "/"}, URL, None),
        ({"redirect_port": "0"}, URL, OWN),
        ({"redirect_port": "8378"}, URL, OWN),
        ({"redirect_port": "8379"}, URL, None),
        ({"redirect_port": "8379", "redirect_path": "/"}, URL, None),
        ({"redirect_port": "x"}, URL, None),
        ({}, None, None),
        ({}, "http://localhost:9000", Place("http://localhost:9000/callback", 9000)),
        ({}, "http://[::1]:8378", None),
        ({}, "http://192.168.1.5:8378", None),
        ({}, "http://127.0.0.1", Place("http://127.0.0.1:80/callback", 80)),
    ],
)
def test_without_a_registered_address(settings: Mapping[str, str], url: str | None, place: Place | None) -> None:
    assert own_place(settings, url) == place


@pytest.mark.parametrize(
    ("redirect_uri", "url", "port"),
    [
        (f"{URL}/callback", URL, 8378),
        (f"{URL}/login/callback", URL, 8378),
        ("http://localhost:8378/callback", URL, 8378),
        ("http://127.0.0.1/callback", "http://127.0.0.1:80", 80),
        ("https://vestal.example.com/callback", None, None),
        ("https://vestal.example.com/login/callback", URL, None),
        ("https://vestal.example.com:8443/tokens/callback", URL, None),
        ("https://127.0.0.1/callback", None, None),
    ],
)
def test_a_registered_address_of_the_daemons(redirect_uri: str, url: str | None, port: int | None) -> None:
    assert own_place({"redirect_uri": redirect_uri, "redirect_port": "1"}, url) == Place(redirect_uri, port)


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:8379/callback",
        "http://[::1]:8378/callback",
        "http://vestal.example.com/callback",
        "http://127.0.0.1:8378@evil.example/callback",
        "https://me@vestal.example.com/callback",
        "https://vestal.example.com/callback?a=b",
        "https://vestal.example.com/callback#a",
        "https:///callback",
        "http://127.0.0.1:x/callback",
        "http://[/callback",
        "urn:ietf:wg:oauth:2.0:oob",
        "",
    ],
)
def test_a_registered_address_that_is_not(redirect_uri: str) -> None:
    assert own_place({"redirect_uri": redirect_uri}, URL) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"redirect_uri": f"{URL}/elsewhere"},
        {"redirect_uri": "https://vestal.example.com/elsewhere"},
        {"redirect_uri": "https://vestal.example.com/mycallback"},
        {"redirect_port": "8378", "redirect_path": "/elsewhere"},
    ],
)
def test_a_registered_address_that_leads_nowhere(settings: Mapping[str, str]) -> None:
    with pytest.raises(ConfigError, match="leads to nothing") as caught:
        own_place(settings, URL)
    assert "/callback and /login/callback" in caught.value.remedy
    assert caught.value.__context__ is None


@given(
    redirect_uri=st.text() | st.text().map(lambda text: f"https://{text}/callback"), url=st.sampled_from([URL, None])
)
def test_any_text(redirect_uri: str, url: str | None) -> None:
    try:
        place = own_place({"redirect_uri": redirect_uri}, url)
    except ConfigError:
        return
    assert place is None or place.redirect_uri == redirect_uri


def test_the_way_back() -> None:
    def address(place: Place | None, url: str | None) -> str | None:
        link = link_back("acme/me@x", place, url)
        return None if link is None else link.address

    page = "/dashboard/credentials/acme/me%40x"
    assert address(OWN, URL) == f"{URL}{page}"
    assert address(None, URL) == f"{URL}{page}"
    assert address(None, "http://192.168.1.5:8378") == f"http://192.168.1.5:8378{page}"
    assert address(Place("https://vestal.example.com/callback", None), URL) == page
    assert address(None, None) is None
