from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.payload import LONGEST_BODY, Payload, read_payload, shown


def answer(body: bytes) -> Response:
    return Response(status=200, headers={}, body=Secret(body.decode("latin-1")), sent_at=0.0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token": "t", "expires_in": 3600}',
        b'\xef\xbb\xbf{"access_token": "t", "expires_in": 3600}',
        json.dumps({"access_token": "t", "expires_in": 3600}).encode("utf-16"),
        b'{"access_token": "old", "access_token": "t", "expires_in": 3600}',
    ],
)
def test_a_json_object(body: bytes) -> None:
    assert read_payload(answer(body)) == {"access_token": "t", "expires_in": 3600}


def test_a_form_as_github_sends_it() -> None:
    body = b"access_token=t&scope=repo%2Cgist&token_type=bearer&empty="
    expected = {"access_token": "t", "scope": "repo,gist", "token_type": "bearer", "empty": ""}
    assert read_payload(answer(body)) == expected
    assert read_payload(answer(b"error=bad_verification_code&error_description=It+is+old")) == {
        "error": "bad_verification_code",
        "error_description": "It is old",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1]",
        b'"access_token=t"',
        b"<html><a href='?a=b'>",
        b"a=b&c=d",
        b"{" * 20_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"error=x&" + b"a=b&" * 200,
        b" " * LONGEST_BODY + b"{}",
    ],
)
def test_what_is_neither(body: bytes) -> None:
    assert read_payload(answer(body)) is None


def test_an_integer_of_any_length() -> None:
    payload = read_payload(answer(b'{"expires_in": ' + b"9" * 10_000 + b', "n": 12}'))
    assert payload == {"expires_in": float("inf"), "n": 12}


@given(st.binary() | st.from_regex(rb"[{}\[\]\":,0-9a-z\\u]*") | st.text().map(lambda text: text.encode()))
def test_any_bytes_are_read_or_are_nothing(body: bytes) -> None:
    payload = read_payload(answer(body))
    assert payload is None or isinstance(payload, Payload)


def test_its_repr_shows_names_only() -> None:
    payload = Payload(access_token="canary", scope="read")
    assert repr(payload) == str(payload) == f"{payload}" == "Payload(access_token, scope)"


def test_a_secret_field() -> None:
    payload = Payload(token="t", empty="", none=None, number=1, broken="\ud800")
    assert payload.secret("token") == Secret("t")
    assert [payload.secret(name) for name in ("empty", "none", "number", "broken", "missing")] == [None] * 5
    wrong = [payload.wrong(name) for name in ("token", "empty", "none", "missing", "number", "broken")]
    assert wrong == [False, False, False, False, True, True]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Token has been revoked.", "Token has been revoked."),
        ("two\r\nlines\t and\x1b[31m more\x00", "two lines and [31m more"),
        ("right\u202eleft", "right left"),
        ("\ud800", ""),
        ("  ", ""),
        (None, ""),
        (12, ""),
        ({"a": 1}, ""),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_what_is_shown_is_one_short_printable_line(text: object, line: str) -> None:
    assert shown(text) == line


SECRET = Secret("rt-0123456789-abcdefghij")


@pytest.mark.parametrize(
    "text",
    [
        "unknown token rt-0123456789-abcdefghij",
        "unknown token rt-01234567...",
        "unknown token ...abcdefghij",
        "unknown\x00 token\x00rt-0123456789-abcdefghij",
        "token=rt-0123456789%2Dabcdefghij",
        "x" * 195 + "rt-0123456789-abcdefghij",
    ],
)
def test_nothing_is_shown_that_mentions_a_secret(text: str) -> None:
    assert shown(text, hidden=[Secret(""), SECRET]) == ""


def test_a_short_secret_is_hidden_too_and_an_empty_one_hides_nothing() -> None:
    assert shown("the secret is hunter2", hidden=[Secret("hunter2")]) == ""
    assert shown("the secret is unknown", hidden=[Secret("hunter2"), Secret("")]) == "the secret is unknown"


@given(st.text(), st.text(min_size=1))
def test_what_is_shown_never_has_the_secret_in_it(text: str, secret: str) -> None:
    line = shown(text + secret + text, hidden=[Secret(secret)])
    assert len(line) <= 200
    assert line.isprintable()
    if secret.isprintable() and secret == " ".join(secret.split()):
        assert line == ""
