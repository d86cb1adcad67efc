from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.client.asking import Given, path_of, question, read_answer, settles
from vestal.core import errors
from vestal.core.margins import margins
from vestal.core.secret import Secret
from vestal.core.transport import Response

NOW = 1_800_000_000.0
TOKEN = {
    "access_token": "s3cret",
    "token_type": "Bearer",
    "expires_at": "2027-01-15T09:00:00Z",
    "expires_in": 3600,
    "scope": "read",
    "version": 7,
    "refresh_after": 3000.0,
}


def response(values: Any, status: int = 200) -> Response:
    return Response(status, {}, Secret(json.dumps(values)), NOW)


def given_(**values: Any) -> Given:
    return read_answer(response({**TOKEN, **values}), "alice")


def test_what_is_sent() -> None:
    assert path_of("acme/installation/42", "token") == "/v1/credentials/acme/installation/42/token"
    assert json.loads(question(3, None)) == {"newer_than": 3}
    assert json.loads(question(None, 60.5)) == {"min_ttl": 60.5}
    assert question(None, None) == "{}"


def test_a_token() -> None:
    found = given_()
    token = found.token
    assert token.access_token == Secret("s3cret")
    assert (token.token_type, token.scope, token.version) == ("Bearer", "read", 7)
    assert (token.expires_at, token.refresh_at) == (NOW + 3600, NOW + 3000)
    assert "s3cret" not in repr(found)


def test_the_daemon_s_clock_may_be_another() -> None:
    token = given_(expires_at="2027-01-15T10:00:00Z", issued_at="2027-01-15T08:50:00Z").token
    assert token.expires_at == NOW + 3600
    assert token.issued_at == NOW - 600


def test_a_token_without_an_end() -> None:
    token = given_(expires_at=None, expires_in=None, refresh_after=None).token
    assert (token.expires_at, token.refresh_at, token.issued_at) == (None, None, NOW)


def test_margins_are_the_daemon_s_although_it_does_not_say_when_a_token_was_issued() -> None:
    hour = margins(given_().token)
    assert (hour.soft_at, hour.hard_at) == (NOW + 3000, NOW + 3300)
    minute = margins(given_(expires_at="2027-01-15T08:01:00Z", expires_in=60, refresh_after=40.0).token)
    assert (minute.soft_at, minute.hard_at) == (NOW + 40, NOW + 50)


def test_a_due_token_is_not_asked_for_without_a_pause() -> None:
    assert given_(refresh_after=0).token.refresh_at == NOW + 1


@pytest.mark.parametrize(
    ("category", "status", "kind", "passing"),
    [
        ("NEEDS_LOGIN", 409, errors.NeedsLogin, False),
        ("RATE_LIMIT_EXCEEDED", 429, errors.RateLimited, True),
        ("TIMEOUT", 504, errors.TimedOut, True),
        ("NETWORK_ERROR", 502, errors.NetworkError, True),
        ("HTTP_ERROR", 502, errors.ServiceError, True),
        ("HTTP_ERROR", 424, errors.HTTPError, False),
        ("AUTH_FAILED", 401, errors.AuthFailed, False),
        ("PERMISSION_DENIED", 403, errors.PermissionDenied, False),
        ("STORE_UNAVAILABLE", 503, errors.StoreUnavailable, True),
        ("CIRCUIT_OPEN", 503, errors.CircuitOpen, True),
        ("CONFIG_ERROR", 422, errors.ConfigError, False),
        ("UNEXPECTED_ERROR", 500, errors.UnexpectedError, False),
    ],
)
def test_errors_are_what_they_were(category: str, status: int, kind: type[errors.VestalError], passing: bool) -> None:
    told = {"category": category, "detail": "why", "remedy": "do it", "retry_after": 5.0, "credential": "alice"}
    with pytest.raises(kind) as caught:
        read_answer(response(told, status), "alice")
    error = caught.value
    assert type(error) is kind
    assert (error.category.value, error.passing, str(error)) == (category, passing, "alice: why (do it)")
    assert error.retry_after == (None if category == "NEEDS_LOGIN" else 5.0)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"access_token": 1}', '{"access_token": "x"}', "[" * 5000])
@pytest.mark.parametrize("status", [200, 404, 500])
def test_nonsense(body: str, status: int) -> None:
    with pytest.raises(errors.UnexpectedError if status == 500 else errors.HTTPError):
        read_answer(Response(status, {}, Secret(body), NOW), "alice")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner), max_leaves=3
)


@given(st.dictionaries(st.sampled_from([*TOKEN, "category", "retry_after", "reason"]), _VALUES), st.integers(200, 599))
def test_nothing_else_is_raised(values: dict[str, Any], status: int) -> None:
    answer = response({**(TOKEN if status == 200 else {}), **values}, status)
    settles(answer)
    try:
        read_answer(answer, "alice")
    except errors.VestalError:
        return


@pytest.mark.parametrize(
    ("values", "status", "last_word"),
    [
        (TOKEN, 200, True),
        ({}, 200, False),
        ({"category": "CONFIG_ERROR"}, 404, False),
        ({"category": "CONFIG_ERROR"}, 422, True),
        ({"category": "NETWORK_ERROR"}, 503, False),
        ({"category": "CIRCUIT_OPEN"}, 503, True),
        ({"message": "nginx"}, 502, False),
    ],
)
def test_what_is_the_last_word(values: dict[str, Any], status: int, last_word: bool) -> None:
    assert settles(response(values, status)) is last_word
