"""The decisions, without a client."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hooks.sources import Key
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.hooks.flow import Answer, Exchange, Origins, Retry, challenge_error

ORIGIN = "https://api.example.com"
URL = f"{ORIGIN}/thing"
BEARER = Token(Secret("t1"))


def refusal(
    challenges: str = 'Bearer error="invalid_token"',
    *,
    status: int = 401,
    url: str = URL,
    nonce: str | None = None,
    carried: bool = True,
    replayable: bool = True,
) -> Answer:
    return Answer(status=status, url=url, challenges=challenges, nonce=nonce, carried=carried, replayable=replayable)


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("https://api.example.com", "https://API.example.com:443"),
        ("HTTPS://API.Example.com/", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("https://api.example.com", "wss://api.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.200.3.4", "http://127.200.3.4:80"),
        ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080"),
        ("http://localhost", "ws://localhost"),
        ("https://api.example.com", "https://user:secret@api.example.com"),
    ],
)
def test_a_listed_origin_carries_however_it_is_written(listed: str, asked: str) -> None:
    origins = Origins([listed])
    assert origins.carry(asked)
    assert origins.carry(asked)  # from memory
    assert "secret" not in repr(origins._known)


@pytest.mark.parametrize(
    "asked",
    [
        "http://api.example.com",
        "https://api.example.com:8443",
        "https://example.com",
        "https://api.example.com.evil.example",
        "https://api.example.com\\@evil.example",
        "https://evil.example\\@api.example.com",
        "https://evil.example#@api.example.com",
        "https://api.example.com@evil.example",
        "https://api.example.com%2eevil.example",
        "https://evil.example\t@api.example.com",
        "ftp://api.example.com",
        "",
    ],
)
def test_any_other_origin_goes_without(asked: str) -> None:
    assert not Origins([ORIGIN]).carry(asked)


@pytest.mark.parametrize(
    "text",
    ["", "api.example.com", "https://", "https://a/b", "https://u@a", "https://a?b", "https://a#b", "https://a:x"],
)
def test_what_is_not_an_origin_is_not_listed(text: str) -> None:
    with pytest.raises(ConfigError, match="not an origin"):
        Origins([text])


def test_a_single_text_is_a_list_of_one() -> None:
    assert Origins(ORIGIN).carry(ORIGIN)
    assert not Origins(ORIGIN).carry("https://a")


@pytest.mark.parametrize("safe", ["https://a.example", "http://127.0.0.1:1", "http://[::1]", "http://localhost"])
def test_without_a_list_every_safe_origin_carries(safe: str) -> None:
    assert Origins().carry(safe)


@pytest.mark.parametrize(
    "unsafe",
    [
        "http://a.example",
        "ws://a.example",
        "http://128.0.0.1",
        "http://127.1",
        "http://localhost.a.example",
        "http://localhost@a.example",
        "http://a.example\\@localhost",
        "http+unix://socket",
        "https://",
    ],
)
def test_without_a_list_an_unsafe_origin_is_an_error_each_time(unsafe: str) -> None:
    origins = Origins()
    for _ in range(2):
        with pytest.raises(ConfigError):
            origins.carry(unsafe)


def test_the_memory_for_origins_is_bounded() -> None:
    origins = Origins()
    assert all(origins.carry(f"https://{number}.example") for number in range(1000))
    assert len(origins._known) <= 256


@given(st.text())
def test_no_address_breaks_the_judgement(text: str) -> None:
    assert Origins([ORIGIN]).carry(text) in (True, False)
    with contextlib.suppress(ConfigError):
        Origins([text])


@pytest.mark.parametrize(
    ("challenges", "error"),
    [
        ("", ""),
        ("Bearer", ""),
        ('Bearer realm="x", error="invalid_token", error_description="It, error=\\"no\\", expired"', "invalid_token"),
        ("bearer error=insufficient_scope", "insufficient_scope"),
        ('Basic realm="error=\\"a\\"", Bearer scope="a b" , error = "invalid_token"', "invalid_token"),
        ('DPoP error="use_dpop_nonce", Bearer realm="x"', ""),
        ('Negotiate YWJjZA==, Bearer error="invalid_token"', "invalid_token"),
        ('Bearer error="unclosed', ""),
    ],
)
def test_the_error_is_that_of_our_scheme(challenges: str, error: str) -> None:
    assert challenge_error(challenges, "Bearer") == error


@given(st.text())
def test_no_challenge_breaks_the_reading(text: str) -> None:
    assert isinstance(challenge_error(text, "Bearer"), str)
    assert challenge_error(f'Bearer error="invalid_token", {text}', "Bearer") == "invalid_token"


def test_each_kind_of_retry_happens_once() -> None:
    exchange = Exchange(BEARER, ORIGIN)
    assert [exchange.after(refusal()) for _ in range(3)] == [Retry.NEWER, Retry.NONE, Retry.NONE]
    exchange.finish(307)
    assert exchange.after(refusal()) is Retry.NONE
    exchange.finish(200)
    assert exchange.after(refusal()) is Retry.NEWER


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (refusal(""), Retry.NEWER),
        (refusal('Basic realm="x"'), Retry.NEWER),
        (refusal(replayable=False), Retry.REPORT),
        (refusal(carried=False), Retry.NONE),
        (refusal(status=403), Retry.NONE),
        (refusal(url="https://api.example.com:8443/thing"), Retry.NONE),
        (refusal(url="http://api.example.com/thing"), Retry.NONE),
        (refusal('Bearer error="insufficient_scope"'), Retry.NONE),
    ],
)
def test_what_an_answer_to_a_bearer_token_calls_for(answer: Answer, retry: Retry) -> None:
    assert Exchange(BEARER, ORIGIN).after(answer) is retry


@pytest.mark.parametrize(
    ("answer", "retry"),
    [
        (refusal('DPoP error="use_dpop_nonce"', nonce="n"), Retry.NONCE),
        (refusal('DPoP error="use_dpop_nonce"', nonce="n", replayable=False), Retry.NONE),
        (refusal('DPoP error="use_dpop_nonce"'), Retry.NONE),
        (refusal('DPoP error="invalid_token"', nonce="n"), Retry.NEWER),
        (refusal('DPoP error="invalid_dpop_proof"'), Retry.NONE),
        (refusal('DPoP error="invalid_dpop_proof"', url=f"{ORIGIN}/redirected"), Retry.PROOF),
    ],
)
def test_what_an_answer_to_a_bound_token_calls_for(answer: Answer, retry: Retry) -> None:
    exchange = Exchange(Token(Secret("t1"), "DPoP", proof=Key()), ORIGIN)
    exchange.sign({}, "GET", URL)
    assert exchange.after(answer) is retry


def test_a_nonce_is_learned_from_any_answer_of_the_origin_and_from_no_other() -> None:
    key = Key()
    exchange = Exchange(Token(Secret("t1"), "DPoP", proof=key), ORIGIN)
    assert not exchange.settled(200)
    exchange.after(refusal(status=200, nonce="theirs", url="https://evil.example/"))
    assert key.nonce is None
    exchange.after(refusal(status=200, nonce="n1"))
    assert key.nonce == "n1"


def test_every_try_has_a_proof_of_its_own() -> None:
    exchange = Exchange(Token(Secret("t1"), "DPoP", proof=Key()), ORIGIN)
    tries: list[dict[str, str]] = [{}, {}]
    for headers in tries:
        exchange.sign(headers, "GET", URL)
    assert tries[0]["Authorization"] == tries[1]["Authorization"] == "DPoP t1"
    assert tries[0]["DPoP"] != tries[1]["DPoP"]


class BrokenKey(Key):
    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        raise ZeroDivisionError


def test_a_traceback_with_its_locals_shows_no_token() -> None:
    exchange = Exchange(Token(Secret("canary-7d1f"), "DPoP", proof=BrokenKey()), ORIGIN)
    headers: dict[str, str] = {}
    exchange.sign(headers, "GET", URL)
    assert exchange.carried_by(headers)
    headers.clear()
    with pytest.raises(ZeroDivisionError) as caught:
        exchange.after(refusal(nonce="n"))
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "exchange = " in shown
    assert "canary-7d1f" not in shown
