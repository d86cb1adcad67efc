"""What is asked of a daemon, and what its answers mean. Pure.

POST /v1/credentials/{name}/token {"newer_than": int?, "min_ttl": seconds?}; errors are problem+json (RFC 9457).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vestal.core.credential import LastError
from vestal.core.decision import recall
from vestal.core.errors import Category, HTTPError, UnexpectedError, VestalError
from vestal.core.margins import SOFT, SOFT_SHARE
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Response

SKEW = 5.0
"""Seconds by which the daemon's clock may differ from ours (it may be another machine's, behind a tunnel)."""

AGAIN = 1.0
"""Seconds at least before a daemon is asked again."""

LONG_AGO = 10 * 366 * 86400.0
"""Seconds since a token was issued of which nothing more is known: the margins of long-lived ones are all the same."""


@dataclass(frozen=True, slots=True)
class Given:
    """A token as a daemon gave it."""

    token: Token
    refresh_after: float | None
    """Seconds after which the daemon advises to ask again; None: it does not say."""


def path_of(name: str, what: str) -> str:
    """The path of a credential's `token` or `refresh`. A name needs no escaping, and its slashes stand as they are."""
    return f"/v1/credentials/{name}/{what}"


def question(newer_than: int | None, min_ttl: float | None) -> str:
    """The body of a request for a token."""
    asked = {"newer_than": newer_than, "min_ttl": min_ttl}
    return json.dumps({name: value for name, value in asked.items() if value is not None})


def read_answer(response: Response, name: str) -> Given:
    """The token that an answer holds. Raises the `VestalError` that the daemon tells of, and `HTTPError` for nonsense."""
    check_answer(response, name)
    given = _given(_values(response.body), response.sent_at)
    if given is None:
        raise _nonsense(response.status, name)
    return given


def check_answer(response: Response, name: str) -> None:
    """Raise the `VestalError` that the daemon tells of, if it does."""
    if response.status != 200:
        raise _problem(response, _values(response.body), name)


def settles(response: Response) -> bool:
    """Whether an answer is the last word for somebody who can use the home itself.

    Not so: what no daemon says, that it is about to end (503), and that there is no such credential (404): it may be new.
    """
    values = _values(response.body)
    if response.status == 503 and values.get("category") == Category.NETWORK_ERROR:
        return False
    return ("access_token" if response.status == 200 else "category") in values and response.status != 404


def _values(body: Secret) -> Mapping[str, Any]:
    try:
        values = json.loads(body.reveal().encode("latin-1"), object_hook=_sealed)
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _sealed(values: dict[str, Any]) -> dict[str, Any]:
    """The token is a secret before anybody sees it."""
    return {
        key: Secret(value) if key == "access_token" and isinstance(value, str) else value
        for key, value in values.items()
    }


def _given(values: Mapping[str, Any], now: float) -> Given | None:
    """A token with its times by our clock. Its history is the daemon's business: all that counts is when to ask again."""
    secret, version, expires_in = values.get("access_token"), values.get("version"), _number(values.get("expires_in"))
    refresh_after = _number(values.get("refresh_after"))
    if not isinstance(secret, Secret) or not secret or not isinstance(version, int):
        return None
    expires_at, issued_at = _epoch(values.get("expires_at")), _epoch(values.get("issued_at"))
    if expires_in is not None and (expires_at is None or abs(expires_at - (now + expires_in)) > SKEW):
        shift = 0.0 if expires_at is None else now + expires_in - expires_at
        expires_at = now + expires_in
        issued_at = None if issued_at is None else issued_at + shift
    refresh_at = None if refresh_after is None else now + max(refresh_after, AGAIN)
    if issued_at is None:
        issued_at = _issued(now, expires_at, refresh_after)
    token = Token(
        secret,
        token_type=str(values.get("token_type") or "Bearer"),
        expires_at=expires_at,
        scope=str(values.get("scope") or ""),
        version=version,
        issued_at=issued_at,
        refresh_at=refresh_at,
    )
    return Given(token, refresh_after)


def _issued(now: float, expires_at: float | None, refresh_after: float | None) -> float:
    """About when a token was issued, where that is not said. Short-lived ones are due when a third of their life is left."""
    if expires_at is None:
        return now
    left = SOFT if not refresh_after else expires_at - now - refresh_after
    return min(expires_at - left / SOFT_SHARE, now) if 0 < left < SOFT - 1 else now - LONG_AGO


def _problem(response: Response, values: Mapping[str, Any], name: str) -> VestalError:
    try:
        category = Category(values.get("category", ""))
    except ValueError:
        return _nonsense(response.status, name)
    retry_after = _number(values.get("retry_after"))
    credential = values.get("credential")
    return recall(
        LastError(
            category=category.value,
            message=str(values.get("detail") or values.get("title") or "the daemon does not say why"),
            at=response.sent_at,
            remedy=str(values.get("remedy") or ""),
            passing=response.status == 502,  # which is asked for with HTTP_ERROR only
            retry_at=None if retry_after is None else response.sent_at + retry_after,
            reason=str(values["reason"]) if values.get("reason") else None,
        ),
        credential if isinstance(credential, str) else name,
        response.sent_at,
    )


def _nonsense(status: int, name: str) -> VestalError:
    kind = UnexpectedError if status >= 500 else HTTPError
    return kind(f"the daemon gave an unusable answer (HTTP {status})", credential=name, remedy="see `vestal logs`")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _epoch(value: object) -> float | None:
    """RFC 3339, or epoch seconds."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    return _number(value)
