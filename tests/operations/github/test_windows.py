from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.operations.github.windows import Edge, edge

NOW = 1_795_000_000.5


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (" 2026-01-31 12:00+02:00 ", datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_date_stays_where_it_is(text: str, at: datetime) -> None:
    assert edge(text, NOW) == Edge(at, moving=False)


def test_a_time_before_now_moves() -> None:
    assert edge("90d", NOW) == Edge(datetime.fromtimestamp(int(NOW) - 90 * 86400, UTC), moving=True)
    assert edge("2h", NOW).at == datetime.fromtimestamp(int(NOW) - 7200, UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-01-31Tx", "90", "-1d", "99999d", "2026", "d"])
def test_other_words_are_no_times(text: str) -> None:
    with pytest.raises(ConfigError):
        edge(text, NOW)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_an_error(text: str) -> None:
    with suppress(ConfigError):
        assert edge(text, NOW).at.tzinfo is not None
