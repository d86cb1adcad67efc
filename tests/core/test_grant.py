from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.grant import LONGEST_LIFETIME, Grant, seconds
from vestal.core.secret import Secret


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (3600, 3600.0),
        (0.5, 0.5),
        ("3600", 3600.0),
        (" 3599 ", 3599.0),
        ("1e3", 1000.0),
        (10**400, None),
        (10**15, LONGEST_LIFETIME),
        ("9" * 400, LONGEST_LIFETIME),
        (math.inf, LONGEST_LIFETIME),
        ("Infinity", LONGEST_LIFETIME),
        (None, None),
        (0, None),
        ("0", None),
        (-1, None),
        ("-3600", None),
        (math.nan, None),
        ("nan", None),
        (-math.inf, None),
        (True, None),
        (False, None),
        ("", None),
        ("soon", None),
        ("3600s", None),
        ([3600], None),
        ({"seconds": 3600}, None),
    ],
)
def test_lifetimes_as_services_write_them(written: object, meant: float | None) -> None:
    assert seconds(written) == meant


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(anything)
def test_whatever_is_written_is_a_sensible_lifetime_or_none(written: object) -> None:
    lifetime = seconds(written)
    assert lifetime is None or 0 < lifetime <= LONGEST_LIFETIME


def test_times_count_from_the_sending_of_the_request() -> None:
    grant = Grant(access_token=Secret("a"), expires_in=3600, refresh_in=1800, scope="read")
    token = grant.token(7, sent_at=1000.0, default_scope="all")
    assert (token.expires_at, token.refresh_at, token.issued_at) == (4600.0, 2800.0, 1000.0)
    assert (token.version, token.scope, token.token_type) == (7, "read", "Bearer")


def test_a_scope_that_is_not_named_is_the_one_asked_for() -> None:
    assert Grant(access_token=Secret("a")).token(1, 0, default_scope="all").scope == "all"
    assert Grant(access_token=Secret("a"), scope="").token(1, 0, default_scope="all").scope == ""


def test_no_lifetime_means_no_end() -> None:
    token = Grant(access_token=Secret("a")).token(1, sent_at=1000.0)
    assert token.expires_at is None
    assert token.refresh_at is None
