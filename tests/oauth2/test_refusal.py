from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from vestal.core import errors
from vestal.core.errors import Outcome, VestalError
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.payload import read_payload
from vestal.oauth2.refusal import refusal

ANSWERED, UNKNOWN = Outcome.ANSWERED, Outcome.UNKNOWN


def refuse(
    status: int, body: object = None, headers: Mapping[str, str] | None = None, *, person: bool = True
) -> VestalError | None:
    raw = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    response = Response(status=status, headers=headers or {}, body=Secret(raw), sent_at=1_700_000_000.0)
    return refusal(response, read_payload(response), service="Acme", sent=[Secret("canary-0123456789")], person=person)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_grant", errors.NeedsLogin),
        ("invalid_client", errors.AuthFailed),
        ("unauthorized_client", errors.AuthFailed),
        ("invalid_scope", errors.ConfigError),
        ("unsupported_grant_type", errors.ConfigError),
        ("invalid_request", errors.ConfigError),
        ("invalid_target", errors.ConfigError),
        ("invalid_dpop_proof", errors.ConfigError),
        ("access_denied", errors.PermissionDenied),
        ("unsupported_token_type", errors.Unprocessable),
        ("server_error", errors.ServiceError),
        ("temporarily_unavailable", errors.ServiceError),
        ("use_dpop_nonce", errors.ServiceError),
        ("slow_down", errors.RateLimited),
        ("authorization_pending", errors.Unavailable),
        ("expired_token", errors.NeedsLogin),
        ("interaction_required", errors.NeedsLogin),
        ("bad_refresh_token", errors.NeedsLogin),
        ("BAD_REFRESH_TOKEN", errors.NeedsLogin),
        ("incorrect_client_credentials", errors.AuthFailed),
        ("redirect_uri_mismatch", errors.ConfigError),
        ("invalid_refresh_token", errors.NeedsLogin),
        ("ratelimited", errors.RateLimited),
        ("something_else", errors.HTTPError),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("form", [False, True])
def test_by_the_services_code(code: str, kind: type[VestalError], status: int, form: bool) -> None:
    error = refuse(
        status, f"error={code}&error_description=why" if form else {"error": code, "error_description": "why"}
    )
    assert type(error) is kind
    assert (error.code, error.outcome, error.passing) == (code, ANSWERED, kind.passing)
    assert f"{code}: why" in error.message


def test_a_refused_grant_says_why_and_leaves_the_remedy_to_those_who_know_the_name() -> None:
    error = refuse(400, {"error": "invalid_grant"})
    assert isinstance(error, errors.NeedsLogin)
    assert (error.reason, error.remedy) == ("refused", "")


def test_a_refused_assertion_is_no_matter_of_login() -> None:
    error = refuse(400, {"error": "invalid_grant"}, person=False)
    assert type(error) is errors.PermissionDenied
    assert error.code == "invalid_grant"


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        (100, errors.HTTPError, UNKNOWN),
        (302, errors.ConfigError, ANSWERED),
        (400, errors.HTTPError, ANSWERED),
        (401, errors.AuthFailed, ANSWERED),
        (402, errors.HTTPError, ANSWERED),
        (403, errors.PermissionDenied, ANSWERED),
        (404, errors.ConfigError, ANSWERED),
        (405, errors.ConfigError, ANSWERED),
        (408, errors.TimedOut, ANSWERED),
        (410, errors.ConfigError, ANSWERED),
        (415, errors.HTTPError, ANSWERED),
        (422, errors.Unprocessable, ANSWERED),
        (425, errors.RateLimited, ANSWERED),
        (429, errors.RateLimited, ANSWERED),
        (500, errors.ServiceError, ANSWERED),
        (501, errors.ServiceError, ANSWERED),
        (502, errors.ServiceError, UNKNOWN),
        (503, errors.ServiceError, ANSWERED),
        (504, errors.ServiceError, UNKNOWN),
        (520, errors.ServiceError, UNKNOWN),
        (524, errors.ServiceError, UNKNOWN),
        (599, errors.ServiceError, UNKNOWN),
    ],
)
@pytest.mark.parametrize("body", [None, "<html>no</html>", {"unknown": 1}])
def test_by_the_status(status: int, kind: type[VestalError], outcome: Outcome, body: object) -> None:
    error = refuse(status, body)
    assert type(error) is kind
    assert (error.outcome, error.code) == (outcome, None)
    assert str(status) in error.message


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_passing_trouble_never_costs_the_refresh_token(status: int) -> None:
    error = refuse(status, {"error": "invalid_grant"})
    assert error is not None
    assert error.passing


@pytest.mark.parametrize("status", [401, 403, 404])
def test_the_code_tells_more_than_the_status(status: int) -> None:
    assert type(refuse(status, {"error": "invalid_grant"})) is errors.NeedsLogin


def test_patience_is_told_with_its_time() -> None:
    later = {"retry-after": "7"}
    for status, body in [(429, None), (503, None), (400, {"error": "slow_down"}), (403, None)]:
        error = refuse(status, body, later)
        assert error is not None
        assert (error.passing, error.retry_after) == (True, 7.0)
    lasting = refuse(400, {"error": "invalid_grant"}, later)
    assert lasting is not None
    assert lasting.retry_after is None


def test_403_is_a_rate_limit_only_if_the_limit_is_used_up() -> None:
    assert type(refuse(403, None, {"x-ratelimit-remaining": "0"})) is errors.RateLimited
    assert type(refuse(403, None, {"x-ratelimit-remaining": "9", "x-ratelimit-reset": "5"})) is errors.PermissionDenied


@pytest.mark.parametrize(
    ("location", "tail"),
    [
        ("https://login.example/x?token=canary-0123456789", ", to https://login.example"),
        ("https://canary-0123456789@login.example/", ", to https://login.example"),
        ("https://canary-0123456789.example/", "302"),
        ("/elsewhere", "302"),
        ("http://[", "302"),
    ],
)
def test_a_redirect_names_the_origin_only(location: str, tail: str) -> None:
    error = refuse(302, None, {"location": location})
    assert error is not None
    assert error.message.endswith(tail)
    assert "canary" not in str(error)


@pytest.mark.parametrize("body", [{}, {"error": None}, {"error": ""}, {"error": False}, {"errors": []}, None, "<p>"])
def test_no_error_is_a_success(body: object) -> None:
    assert refuse(200, body) is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"status": "INVALID_ARGUMENT", "message": "why"}}, "INVALID_ARGUMENT"),
        ({"error": {"code": 190, "type": "OAuthException", "message": "why"}}, "OAuthException"),
        ({"error": {"message": "why"}}, "error"),
        ({"error": True, "message": "why"}, "error"),
        ({"errors": [{"errorType": "insufficient", "message": "why"}]}, "insufficient"),
        ({"status": "STRANGE", "message": "why"}, "STRANGE"),
    ],
)
def test_where_others_put_their_codes(body: object, code: str) -> None:
    error = refuse(400, body)
    assert type(error) is errors.HTTPError
    assert error.code == code
    assert error.message.endswith(": why")


def test_a_known_code_is_found_beside_an_unknown_one() -> None:
    body = {"error": {"type": "oauth_error", "status": "odd"}, "errors": [{"errorType": "invalid_grant"}]}
    error = refuse(401, body)
    assert type(error) is errors.NeedsLogin
    assert error.code == "invalid_grant"


@pytest.mark.parametrize(
    "body",
    [
        {"error": "invalid_grant", "error_description": "no canary-0123456789"},
        {"error": "bad canary-0123456789", "message": "canary-0123456789"},
        {"error": {"type": "canary-0123456789", "message": "canary-0123456789"}},
        "error=invalid_grant&error_description=canary-0123456789",
    ],
)
def test_what_was_sent_is_not_repeated(body: object) -> None:
    error = refuse(400, body)
    assert error is not None
    assert "canary" not in f"{error!r} {error} {error.code} {error.remedy} {error.__dict__}"


@pytest.mark.parametrize("errors_field", [[], [None], [[]], "text", {"a": 1}, [{"errorType": 5}]])
def test_strange_shapes_of_errors(errors_field: object) -> None:
    assert type(refuse(400, {"errors": errors_field})) is errors.HTTPError
