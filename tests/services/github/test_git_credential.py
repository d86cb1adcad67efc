from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import UnexpectedError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.services.git_protocol import Question, read
from vestal.services.github.git_credential import answer, concerns, is_ours
from vestal.services.github.place import Place

ENTERPRISE = Place.of("https://ghe.example.com/api/v3")
STUB = Place.of("http://127.0.0.1:8800")


def test_a_question_is_read_up_to_the_blank_line() -> None:
    text = (
        "capability[]=authtype\nprotocol=https\nhost=github.com\npath=acme/widgets.git\nwwwauth[]=Basic realm=x\n"
        "password=a=b\n\nhost=evil.example\n"
    )
    assert read(Secret(text)) == Question(
        "https",
        "github.com",
        "acme/widgets.git",
        "",
        Secret("a=b"),
        capabilities=frozenset({"authtype"}),
        challenges=("Basic realm=x",),
    )


@given(st.text())
def test_anything_can_be_read(text: str) -> None:
    question = read(Secret(text))
    assert question.repository.count("/") in (0, 1)


@pytest.mark.parametrize(
    ("path", "repository"),
    [
        ("acme/widgets.git", "acme/widgets"),
        ("/acme/widgets/", "acme/widgets"),
        ("acme/widgets.git/info/lfs", "acme/widgets"),
        ("acme", ""),
        ("", ""),
        ("acme/..", ""),
        ("../../orgs", ""),
        ("acme/widgets?x", ""),
    ],
)
def test_the_repository_is_in_the_path(path: str, repository: str) -> None:
    assert Question(path=path).repository == repository


@pytest.mark.parametrize(
    ("question", "place", "ours"),
    [
        (Question("https", "github.com"), Place(), True),
        (Question("https", "GitHub.com:443"), Place(), True),
        (Question("https", "github.com", username="x-access-token"), Place(), True),
        (Question("https", "github.com", username="octocat"), Place(), False),
        (Question("http", "github.com"), Place(), False),
        (Question("ssh", "github.com"), Place(), False),
        (Question("https", "gist.github.com"), Place(), False),
        (Question("https", "github.com.evil.example"), Place(), False),
        (Question("https", "evil.example"), Place(), False),
        (Question(), Place(), False),
        (Question("https", "ghe.example.com"), ENTERPRISE, True),
        (Question("https", "github.com"), ENTERPRISE, False),
        (Question("http", "127.0.0.1:8800"), STUB, True),
        (Question("http", "127.0.0.1:8801"), STUB, False),
    ],
)
def test_only_the_host_of_the_app_is_answered(question: Question, place: Place, ours: bool) -> None:
    assert concerns(question, place) is ours


def test_the_answer_has_what_git_takes() -> None:
    token = Token(Secret("ghs_abc"), expires_at=1795324292.7)
    text = "username=x-access-token\npassword=ghs_abc\npassword_expiry_utc=1795324292\n"
    assert answer(token) == Secret(text)
    assert answer(Token(Secret("ghs_abc"))) == Secret("username=x-access-token\npassword=ghs_abc\n")
    assert "ghs_" not in repr(answer(token))


@pytest.mark.parametrize("breaks", ["\n", "\r", "\0"])
def test_a_token_that_is_more_than_a_line_is_not_told(breaks: str) -> None:
    with pytest.raises(UnexpectedError) as error:
        answer(Token(Secret(f"ghs_abc{breaks}host=evil.example")))
    assert "ghs_" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "protocol=https\nhost=evil.example\npath=x\rhost=github.com\rpath=acme/widgets\n",
        "protocol=https\nhost=evil.example\nhost=github.com\n",
        "protocol=https\nhost=github.com\r\n",
        "protocol=https\nhost=github.com\0\n",
    ],
)
def test_what_an_address_smuggles_into_a_question_makes_it_none_of_ours(text: str) -> None:
    assert not concerns(read(Secret(text)), Place())


def test_a_refused_password_is_found_among_the_present_tokens() -> None:
    tokens = {"a": None, "b": Token(Secret("one")), "c": Token(Secret("two"))}
    assert is_ours(Question(password=Secret("two")), tokens) == "c"
    assert is_ours(Question(password=Secret("three")), tokens) is None
    assert is_ours(Question(), tokens) is None
