from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.client.address import Address, read_address
from vestal.core.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:8378", Address(host="127.0.0.1", port=8378)),
        ("http://localhost:1/", Address(host="localhost", port=1)),
        ("http://localhost", Address(host="localhost", port=8378)),
        ("http://[::1]:9", Address(host="::1", port=9)),
        ("/run/vestal.sock", Address(path="/run/vestal.sock")),
        ("unix:/run/vestal.sock", Address(path="/run/vestal.sock")),
        ("unix:///run/vestal.sock", Address(path="/run/vestal.sock")),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert read_address(text) == address
    assert read_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["http://example.com", "https://127.0.0.1:1", "http://127.0.0.1:x", "http://127.0.0.1/v1", "", "x", "http://[x"],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ConfigError):
        read_address(text)


@given(st.text())
def test_nothing_else_is_raised(text: str) -> None:
    try:
        read_address(text)
    except ConfigError:
        return
