"""What services write as `expires_in`: whatever it is, the token is handed out and not refreshed by every call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lifecycle.conftest import NAME, House

NONSENSE = ["", "null", "0", "-1", '"soon"', "[]", "{}", "true", "1e400", "-1e400", '""', '"NaN"']
HUGE = ["1e300", "99999999999999999999", '"99999999999"', "253402300800"]


@pytest.mark.parametrize("written", NONSENSE + HUGE)
def test_odd_lifetimes(make_house: Callable[..., House], written: str) -> None:
    house = make_house(expires_in=written)
    house.add()
    source = house.home().source(NAME)
    tokens = {source.token().access_token for _ in range(50)}
    assert len(tokens) == 1
    assert house.redemptions == 1
    expires_at = house.credential().token.expires_at  # type: ignore[union-attr]
    assert (expires_at is None) == (written in NONSENSE and written != "1e400")


@pytest.mark.parametrize(("written", "seconds"), [('"60"', 60), ("60.5", 60.5), ('"3600.0"', 3600), ("1", 1)])
def test_lifetimes_as_strings_and_fractions(make_house: Callable[..., House], written: str, seconds: float) -> None:
    house = make_house(expires_in=written)
    house.add()
    house.home().source(NAME).token()
    token = house.credential().token
    assert token is not None
    assert token.expires_at is not None
    assert token.expires_at - token.issued_at == pytest.approx(seconds, abs=0.001)
