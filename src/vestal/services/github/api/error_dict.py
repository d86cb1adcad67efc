"""An error as plain values, for programs that log or pass on JSON. Pure."""

from __future__ import annotations

from typing import Any

from vestal.core.errors import AllExhausted, Category, VestalError

_TYPES = {
    Category.AUTH_FAILED: "authentication_failed",
    Category.PERMISSION_DENIED: "authorization_failed",
    Category.INSTALLATION_NOT_FOUND: "installation_not_found",
    Category.RATE_LIMIT_EXCEEDED: "rate_limit_exceeded",
    Category.TIMEOUT: "timeout_error",
    Category.NETWORK_ERROR: "network_error",
    Category.CIRCUIT_OPEN: "network_error",
    Category.UNPROCESSABLE_ENTITY: "api_error",
    Category.HTTP_ERROR: "api_error",
    Category.NEEDS_LOGIN: "invalid_credentials",
    Category.CONFIG_ERROR: "invalid_configuration",
}

TYPED_CODES = frozenset(
    {
        "repository_not_found",
        "commit_not_found",
        "file_not_found",
        "invalid_response",
        "malformed_data",
        "large_response",
        "invalid_private_key",
        "missing_credentials",
        "token_expired",
    }
)
"""Codes of errors that say more than their category, and are the type themselves."""


def error_dict(error: VestalError) -> dict[str, Any]:
    """`type`, `category`, `message`, `remedy`, `passing`, `retry_after` (seconds), `rate_limit_remaining`,
    `rate_limit_reset` (epoch seconds) and `context`. What is not known is None; nothing of it is secret.
    """
    limited = error.category is Category.RATE_LIMIT_EXCEEDED
    secondary = error.code == "secondary_rate_limit"
    return {
        "type": error.code if error.code in TYPED_CODES else _TYPES.get(error.category, "unknown_error"),
        "category": error.category.value,
        "message": error.message,
        "remedy": error.remedy,
        "passing": error.passing,
        "retry_after": error.retry_after,
        "rate_limit_remaining": 0 if limited and not secondary else None,
        "rate_limit_reset": error.reset_at if isinstance(error, AllExhausted) else None,
        "context": {
            name: value
            for name, value in (
                ("credential", error.credential),
                ("code", error.code),
                ("bucket", getattr(error, "bucket", None)),
            )
            if value
        },
    }
