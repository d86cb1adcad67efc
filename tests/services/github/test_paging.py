"""The Link header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.services.exchange import APIResponse
from vestal.services.github.paging import next_page


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ('<https://a/?page=2>; rel="next", <https://a/?page=9>; rel="last"', "https://a/?page=2"),
        ('<https://a/?page=1>; rel="prev", <https://a/?page=3>; rel="next"', "https://a/?page=3"),
        ("<https://a/?x=1,2>; rel=next", "https://a/?x=1,2"),
        ('<https://a/>; title="b"; rel="first next"', "https://a/"),
        ('<https://a/>; rel="prev"', None),
        ('<https://a/>; rel="nextish"', None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_the_next_page(link: str, following: str | None) -> None:
    assert next_page(APIResponse(200, {"link": link}, b"")) == following


@given(st.text(max_size=200))
def test_any_header(link: str) -> None:
    next_page(APIResponse(200, {"link": link}, b""))
