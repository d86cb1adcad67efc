from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.operations.times import LONGEST, duration, relative, rfc3339, span


def test_rfc3339() -> None:
    assert rfc3339(None) is None
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1795309323.999) == "2026-11-22T01:02:03Z"


@given(st.floats())
def test_rfc3339_of_anything(at: float) -> None:
    text = rfc3339(at)
    assert text is None or re.fullmatch(r"-?\d{1,}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("0", 0), ("0.5s", 0.5), (" 1M ", 60)],
)
def test_duration(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "1w", "1h30m", "nan", "inf", "1e5", "99999999999", "ten"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError):
        duration(text)


@given(st.text())
def test_duration_of_anything(text: str) -> None:
    with suppress(ConfigError):
        assert 0 <= duration(text) <= LONGEST


def test_span_and_relative() -> None:
    assert [span(seconds) for seconds in (-5, 0.9, 59.9, 60, 3725, 90061)] == [
        "0 s",
        "0 s",
        "59 s",
        "1 min",
        "1 h 2 min",
        "1 d 1 h",
    ]
    assert relative(None, 100) == ""
    assert relative(160, 100) == "in 1 min"
    assert relative(40, 100) == "1 min ago"
