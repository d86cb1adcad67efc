from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from vestal.daemon.dashboard.query import Query, chips


def parsed(address: str) -> Query:
    return Query.of(dict(parse_qsl(urlsplit(address).query)))


def test_an_address_asks_for_what_was_asked() -> None:
    query = Query.of({"q": " spot ify ", "state": "error", "token": "valid", "after": "a/b"})

    assert query == Query("spot ify", "error", "valid", "a/b")
    assert query.narrowed
    assert parsed(query.address(after="c&d")) == Query("spot ify", "error", "valid", "c&d")
    assert query.address(state="").startswith("/dashboard?q=spot+ify&token=valid")
    assert Query().address() == "/dashboard"


@given(st.dictionaries(st.sampled_from(["q", "state", "token", "after", "x"]), st.text()))
def test_whatever_comes_is_a_query(parameters: dict[str, str]) -> None:
    query = Query.of(parameters)

    assert query.state in ("", "idle", "refreshing", "authorizing", "needs_login", "error")
    assert query.token in ("", "valid", "expiring", "expired", "missing")
    assert len(query.text) <= 200


def test_chips_are_the_states_that_there_are_and_the_one_that_is_asked_for() -> None:
    found = chips({"idle": 2, "error": 1}, Query(text="x", state="needs_login"))

    assert [(chip.state, chip.count, chip.here) for chip in found] == [
        ("", 3, False),
        ("idle", 2, False),
        ("needs_login", 0, True),
        ("error", 1, False),
    ]
    assert found[1].href == "/dashboard?q=x&state=idle"
