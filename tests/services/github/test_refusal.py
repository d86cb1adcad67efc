"""What it means when GitHub says no."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    HTTPError,
    NeedsLogin,
    NotInstalled,
    Outcome,
    PermissionDenied,
    RateLimited,
    ServiceError,
    TimedOut,
    Unprocessable,
    VestalError,
)
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.services.github.refusal import is_primary, is_secondary, refusal, wait

NOW = 1_800_000_000.0
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
PRIMARY = "API rate limit exceeded for installation ID 42."
ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."
NOT_ACCESSIBLE = "Resource not accessible by integration"


def response(status: int, message: object = "", body: str | None = None, **headers: str) -> Response:
    text = json.dumps({"message": message}) if body is None else body
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, Secret(text), NOW)


def refused(status: int, message: object = "", body: str | None = None, **options: Any) -> VestalError:
    names = ("asked", "route", "install_url", "hidden")
    given_options = {name: options.pop(name) for name in names if name in options}
    error = refusal(response(status, message, body, **options), **given_options)
    assert error is not None
    return error


def reset(seconds: float) -> str:
    return str(int(NOW + seconds))


@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_a_success_is_none(status: int) -> None:
    assert refusal(response(status)) is None
    assert refusal(response(status, body='{"error": "x", "id": 1}')) is None


@pytest.mark.parametrize(
    ("status", "message", "options", "kind", "word"),
    [
        (401, "Bad credentials", {}, AuthFailed, "revoked"),
        (401, "A JSON web token could not be decoded", {"route": "app"}, AuthFailed, "private key"),
        (401, "'Expiration time' claim ('exp') is too far in the future", {"route": "app"}, AuthFailed, "clock"),
        (401, "'Issued at' claim ('iat') must be an Integer", {"route": "installation"}, AuthFailed, "clock"),
        (403, "This installation has been suspended", {"route": "installation"}, PermissionDenied, "owner"),
        (403, NOT_ACCESSIBLE, {"x_accepted_github_permissions": "contents=write"}, PermissionDenied, "contents=write"),
        (403, "Must have admin rights", {"x_accepted_oauth_scopes": "repo"}, PermissionDenied, "repo"),
        (403, "Although you appear to have the correct authorization", {}, PermissionDenied, "allowed"),
        (
            404,
            "Not Found",
            {"route": "installation", "install_url": "https://x.test/i"},
            NotInstalled,
            "https://x.test/i",
        ),
        (404, "Not Found", {"route": "installation"}, NotInstalled, "install it"),
        (404, "Integration not found", {"route": "installation"}, AuthFailed, "app id"),
        (404, "Not Found", {"route": "app"}, AuthFailed, "app id"),
        (404, "Not Found", {}, HTTPError, "reaches"),
        (410, "This endpoint is gone", {}, HTTPError, "nothing"),
        (422, "Validation Failed", {}, Unprocessable, "sent"),
        (422, "The permissions requested are not granted", {"route": "installation"}, Unprocessable, "granted"),
        (451, "Repository access blocked", {}, PermissionDenied, "legal"),
        (400, "API version 1999 is not supported.", {}, ConfigError, "API version"),
        (301, "Moved Permanently", {"location": "https://elsewhere.test/x"}, ConfigError, "base_url"),
        (408, "", {}, TimedOut, "again"),
        (500, "Server Error", {}, ServiceError, "githubstatus"),
    ],
)
def test_meanings(status: int, message: str, options: dict[str, Any], kind: type[VestalError], word: str) -> None:
    error = refused(status, message, asked="GET /x", **options)
    assert type(error) is kind
    assert word in error.remedy
    assert error.code
    assert error.outcome is Outcome.ANSWERED


def test_a_message_says_what_was_asked_and_what_github_said() -> None:
    error = refused(404, "Not Found", asked="GET /repos/acme/widgets")
    assert "GET /repos/acme/widgets" in error.message
    assert "missing, or hidden" in error.message
    assert "Not Found" in error.message


def test_the_errors_of_a_validation_are_told() -> None:
    body = {
        "message": "Validation Failed",
        "errors": [{"resource": "Status", "field": "state", "code": "custom"}, "no"],
    }
    error = refused(422, body=json.dumps(body))
    assert "Status state custom" in error.message
    assert error.message.endswith("no")


@pytest.mark.parametrize("status", [502, 504])
def test_a_gateways_page_of_html_has_an_unknown_outcome(status: int) -> None:
    error = refused(status, body="<html><title>Unicorn!</title></html>", x_ratelimit_reset=reset(900))
    assert type(error) is ServiceError
    assert (error.passing, error.outcome, error.retry_after) == (True, Outcome.UNKNOWN, None)
    assert "html" not in error.message
    assert refused(503, retry_after="7").retry_after == 7


def test_single_sign_on_names_the_address() -> None:
    url = "https://github.com/orgs/acme/sso?authorization_request=AZSC"
    error = refused(403, "Resource protected by organization SAML enforcement.", x_github_sso=f"required; url={url}")
    assert type(error) is PermissionDenied
    assert (error.code, url in error.remedy) == ("sso_required", True)
    assert "Configure SSO" in refused(403, "SAML", x_github_sso="required; url=javascript:alert(1)").remedy


@pytest.mark.parametrize(
    ("message", "headers", "primary", "seconds"),
    [
        (PRIMARY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset(900)}, True, 900),
        (PRIMARY, {}, True, 60),
        ("", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset(-5)}, True, 1),
        ("", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset(900), "retry_after": "5"}, True, 5),
        (SECONDARY, {"x_ratelimit_remaining": "4000", "x_ratelimit_reset": reset(900)}, False, 60),
        (SECONDARY, {"x_ratelimit_remaining": "4000", "retry_after": "30"}, False, 30),
        (SECONDARY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": reset(900)}, False, 900),
        (SECONDARY, {"retry_after": "0"}, False, 1),
        (SECONDARY, {"retry_after": "soon"}, False, 60),
        (ABUSE, {}, False, 60),
        ("", {"retry_after": "30"}, False, 30),
    ],
)
@pytest.mark.parametrize("status", [403, 429])
def test_limits(status: int, message: str, headers: dict[str, str], primary: bool, seconds: float) -> None:
    error = refused(status, message, **headers)
    assert type(error) is RateLimited
    assert error.retry_after == seconds == wait(response(status, message, **headers))
    assert error.code == ("primary_rate_limit" if primary else "secondary_rate_limit")
    assert is_primary(response(status, message, **headers)) is primary
    assert is_secondary(response(status, message, **headers)) is not primary


def test_a_reset_is_corrected_by_githubs_clock() -> None:
    """Its clock is an hour ahead of ours."""
    date = formatdate(NOW + 3600, usegmt=True)
    error = refused(403, PRIMARY, x_ratelimit_remaining="0", x_ratelimit_reset=reset(3600 + 120), date=date)
    assert error.retry_after == 120


@pytest.mark.parametrize("message", [NOT_ACCESSIBLE, "This installation has been suspended"])
def test_the_last_request_of_a_quota_may_be_denied_for_its_own_sake(message: str) -> None:
    error = refused(403, message, x_ratelimit_remaining="0", x_ratelimit_reset=reset(900))
    assert type(error) is PermissionDenied


def test_a_permission_that_is_missing_is_no_limit() -> None:
    assert not is_secondary(response(403, NOT_ACCESSIBLE, x_ratelimit_remaining="4999"))
    assert not is_primary(response(403, NOT_ACCESSIBLE, x_ratelimit_remaining="4999"))


@pytest.mark.parametrize(
    ("code", "kind"), [("bad_refresh_token", NeedsLogin), ("incorrect_client_credentials", AuthFailed)]
)
def test_an_oauth_error_comes_as_a_success(code: str, kind: type[VestalError]) -> None:
    error = refused(200, body=json.dumps({"error": code, "error_description": "It is.", "error_uri": "x"}))
    assert type(error) is kind
    assert error.code == code


def test_a_long_success_is_not_searched_for_errors() -> None:
    assert refusal(response(200, body='{"error": "x", "error_description": "' + "y" * 5000 + '"}')) is None


def test_no_secret_is_repeated() -> None:
    error = refused(401, "The token ghs_0123456789abcdefgh is bad", hidden=[Secret("ghs_0123456789abcdefgh")])
    assert "ghs_0123456789" not in str(error)


@given(
    status=st.integers(100, 599),
    body=st.text() | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)
        | st.dictionaries(st.sampled_from(["message", "errors", "error", "error_description", "x"]), inner)).map(json.dumps),
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset", "x-ratelimit-remaining", "x-github-sso", "date", "location"]),
        st.text() | st.sampled_from(["0", "60", "required; url=https://", "Sun, 06 Nov 1994 08:49:37 GMT"]),
    ),
    route=st.sampled_from(["api", "app", "installation"]),
)  # fmt: skip
def test_any_answer_is_a_success_or_an_error_in_one_line(
    status: int, body: str, headers: dict[str, str], route: Any
) -> None:
    answer = Response(status, headers, Secret(body.encode("utf-8", "replace").decode("latin-1")), NOW)
    error = refusal(answer, route=route)
    if error is None:
        assert 200 <= status < 300 or status == 304
    else:
        assert str(error).isprintable()
        assert error.retry_after is None or 0 <= error.retry_after <= 86400
        assert not (error.passing and 400 <= status < 500 and status not in (403, 408, 429))
