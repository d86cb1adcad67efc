from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.retry import LONGEST_RETRY_AFTER
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.retry_after import http_date, is_rate_limit, retry_after, server_time

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"

if TYPE_CHECKING:
    from collections.abc import Mapping


def answer(headers: Mapping[str, str]) -> Response:
    return Response(status=429, headers=headers, body=Secret(""), sent_at=NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "١٢"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "99999999"}, LONGEST_RETRY_AFTER),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT"}, 60.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:12:20 GMT"}, 0.0),
        # the service's clock is an hour ahead: its own Date tells
        ({"retry-after": "Tue, 14 Nov 2023 23:14:20 GMT", "date": "Tue, 14 Nov 2023 23:13:20 GMT"}, 60.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:14:20 GMT", "date": "nonsense"}, 60.0),
        ({"retry-after": "nonsense", "ratelimit-reset": "30"}, 30.0),
        ({"ratelimit": '"default";r=0;t=14'}, 14.0),
        ({"ratelimit-reset": "30", "x-ratelimit-reset": "99"}, 30.0),
        ({"x-ratelimit-reset": "1700000090"}, 90.0),
        ({"x-ratelimit-reset": "1700003690", "date": "Tue, 14 Nov 2023 23:13:20 GMT"}, 90.0),
        ({"x-ratelimit-reset": "1699999000"}, 0.0),
        ({"retry-after": "5", "x-ratelimit-reset": "1700000090"}, 5.0),
    ],
)
def test_seconds_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(answer(headers)) == seconds


@pytest.mark.parametrize("text", [DATE, "Tuesday, 14-Nov-23 22:13:20 GMT", "Tue Nov 14 22:13:20 2023"])
def test_a_date_in_its_three_forms(text: str) -> None:
    assert http_date(text) == NOW


def test_the_services_clock_or_ours() -> None:
    assert server_time(answer({"date": "Tue, 14 Nov 2023 22:13:30 GMT"})) == NOW + 10
    assert server_time(answer({"date": "yesterday"})) == NOW
    assert server_time(answer({})) == NOW


@pytest.mark.parametrize(
    ("headers", "limited"),
    [
        ({"x-ratelimit-remaining": "0"}, True),
        ({"ratelimit-remaining": "0"}, True),
        ({"retry-after": "60"}, True),
        ({"x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1700000090"}, False),
        ({"retry-after": "never"}, False),
        ({}, False),
    ],
)
def test_what_counts_as_a_rate_limit(headers: dict[str, str], limited: bool) -> None:
    assert is_rate_limit(answer(headers)) is limited


DATE_LIKE = st.text("0123456789 ,:+-GMTUCNovSunTue", max_size=40)


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "ratelimit", "ratelimit-reset", "x-ratelimit-reset"]),
        st.text() | DATE_LIKE | st.from_regex(r"[0-9]+"),
    )
)
def test_any_headers_give_a_sane_wait(headers: dict[str, str]) -> None:
    wait = retry_after(answer(headers))
    assert wait is None or 0 <= wait <= LONGEST_RETRY_AFTER
