"""Errors as plain values."""

from __future__ import annotations

import json

import pytest

from vestal.core import errors
from vestal.services.github.api.error_dict import error_dict

CASES: list[tuple[errors.VestalError, str]] = [
    (errors.AuthFailed("x"), "authentication_failed"),
    (errors.PermissionDenied("x"), "authorization_failed"),
    (errors.NotInstalled("x"), "installation_not_found"),
    (errors.RateLimited("x"), "rate_limit_exceeded"),
    (errors.TimedOut("x"), "timeout_error"),
    (errors.NetworkError("x"), "network_error"),
    (errors.ServiceError("x"), "api_error"),
    (errors.NeedsLogin("x"), "invalid_credentials"),
    (errors.ConfigError("x"), "invalid_configuration"),
    (errors.ConfigError("x", code="missing_credentials"), "missing_credentials"),
    (errors.HTTPError("x", code="file_not_found"), "file_not_found"),
    (errors.HTTPError("x", code="status_418"), "api_error"),
    (errors.UnexpectedError("x"), "unknown_error"),
    (errors.StoreUnavailable("x"), "unknown_error"),
]


@pytest.mark.parametrize(("error", "kind"), CASES)
def test_types(error: errors.VestalError, kind: str) -> None:
    told = error_dict(error)
    assert told["type"] == kind
    assert json.loads(json.dumps(told)) == told


def test_a_quota_that_is_used_up() -> None:
    error = errors.AllExhausted("none", bucket="core", reset_at=2000.0, retry_after=60.0, credential="acme")
    assert error_dict(error) == {
        "type": "rate_limit_exceeded",
        "category": "RATE_LIMIT_EXCEEDED",
        "message": "none",
        "remedy": "",
        "passing": True,
        "retry_after": 60.0,
        "rate_limit_remaining": 0,
        "rate_limit_reset": 2000.0,
        "context": {"credential": "acme", "bucket": "core"},
    }


def test_a_secondary_limit_says_nothing_of_what_remains() -> None:
    told = error_dict(errors.RateLimited("slow down", retry_after=60.0, code="secondary_rate_limit"))
    assert (told["rate_limit_remaining"], told["retry_after"]) == (None, 60.0)
