"""Tokens as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.services.github.pool.tokens import check, from_environment, masked, read

TOKENS = st.text("abcdefgh_0123456789", min_size=1, max_size=50)


def revealed(tokens: list[Secret]) -> list[str]:
    return [token.reveal() for token in tokens]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        (" , ,\n,\t", []),
        ("ghp_one", ["ghp_one"]),
        (" ghp_one , ghp_two,,", ["ghp_one", "ghp_two"]),
        ("ghp_one\nghp_two\r\n\nghp_three\n", ["ghp_one", "ghp_two", "ghp_three"]),
        ("ghp_one,ghp_one, ghp_two,ghp_one", ["ghp_one", "ghp_two"]),
    ],
)
def test_a_list_in_one_text(text: str, found: list[str]) -> None:
    assert revealed(read(text)) == found
    assert revealed(read(Secret(text))) == found
    assert revealed(from_environment({"GITHUB_SEEDING_TOKENS": text})) == found


def test_several_texts_each_with_one_or_more() -> None:
    assert revealed(read(["a1", Secret("b2,c3"), "", " a1 "])) == ["a1", "b2", "c3"]


def test_both_variables() -> None:
    environ = {"GITHUB_SEEDING_TOKENS": "ghp_one,ghp_two", "GITHUB_SEEDING_TOKEN": "ghp_three"}
    assert revealed(from_environment(environ)) == ["ghp_one", "ghp_two", "ghp_three"]
    assert revealed(from_environment({"GITHUB_SEEDING_TOKEN": "ghp_three"})) == ["ghp_three"]
    assert from_environment({}) == []


@given(st.lists(TOKENS), st.sampled_from([",", ", ", "\n", " ,\r\n", ",,"]))
def test_whatever_stands_between_them(tokens: list[str], between: str) -> None:
    assert revealed(read(between.join(tokens))) == list(dict.fromkeys(tokens))


@pytest.mark.parametrize("text", ["gh\u00fcp_one", "ghp_\x00one"])
def test_what_can_not_be_sent_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(read(["ghp_good", text]))
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        ("", "***"),
        ("1234567", "***"),
        ("12345678", "***"),  # four and four would be all of it
        ("123456789", "1234...6789"),
        ("ghp_abcdefghijklmnop", "ghp_...mnop"),
    ],
)
def test_masked(token: str, shown: str) -> None:
    assert masked(Secret(token)) == shown


def test_no_token_at_hand() -> None:
    assert masked(None) == "***"


@given(st.text(min_size=0, max_size=60))
def test_no_mask_shows_a_whole_token(token: str) -> None:
    assert len(masked(Secret(token)).replace("...", "")) < max(len(token), 4)
