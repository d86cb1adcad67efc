from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.oauth2.address import check_address, origin


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example/token",
        "https://acme.example:8443/token?tenant=1",
        "https://[2001:db8::1]/token",
        "http://127.0.0.1:8080/token",
        "http://127.8.9.1/token",
        "http://[::1]:8080/token",
        "http://localhost/token",
    ],
)
def test_addresses_that_may_have_secrets(url: str) -> None:
    assert check_address(url, "token endpoint", "token_url") == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "there is no token endpoint"),
        ("", "there is no token endpoint"),
        ("http://acme.example/token", "http://acme.example is not https"),
        ("http://localhost.acme.example/token", "is not https"),
        ("http://127.0.0.1.acme.example/token", "is not https"),
        ("ftp://127.0.0.1/token", "is not https"),
        ("acme.example/token", "is not an address"),
        ("https:///token", "is not an address"),
        ("https://acme.example/token#part", "is not an address"),
        ("https://acme.example/{tenant}/token", "is not an address"),
        ("https://acme.example/to ken", "is not an address"),
        ("https://acme.example/token\r\nX: y", "is not an address"),
        ("https://acme.example:99999/token", "is not an address"),
        ("https://[acme/token", "is not an address"),
        ("https://me:canary@acme.example/token", "has a user name in it"),
    ],
)
def test_addresses_that_may_not(url: str | None, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_address(url, "token endpoint", "token_url")
    assert why in caught.value.message
    assert "token_url" in caught.value.remedy
    assert "canary" not in str(caught.value)


@given(st.text() | st.from_regex(r"https?://.*"))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        checked = check_address(url, "issuer", "issuer")
    except ConfigError:
        return
    assert origin(checked).startswith(("https://", "http://"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ACME.example:443/a?b#c", "https://acme.example"),
        ("http://acme.example:80", "http://acme.example"),
        ("https://acme.example:8443", "https://acme.example:8443"),
        ("https://me:secret@acme.example/x", "https://acme.example"),
        ("http://[::1]:80/x", "http://[::1]"),
        ("/relative", ""),
        ("https://[bad", ""),
        ("https://a b/", ""),
    ],
)
def test_origin(url: str, expected: str) -> None:
    assert origin(url) == expected
