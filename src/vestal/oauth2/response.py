"""From a token endpoint's answer to what was granted, or to the error that it stands for. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from vestal.core.errors import HTTPError, Outcome
from vestal.core.grant import Grant, seconds
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.payload import Payload, is_text, read_payload, shown
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refusal import refusal
from vestal.oauth2.retry_after import server_time

LONGEST_SECRET = 65536
"""Characters of a secret beside the two tokens (an ID token); a longer one is left out."""

_VISIBLE = re.compile(r"[\x20-\x7E]+")  # VSCHAR (RFC 6749, appendix A): what a header can carry
_TOKEN_TYPE = re.compile(r"[\x21-\x7E]{1,64}")
_SECRET_NAME = re.compile(r"token|secret|password|assertion|code|key|cookie", re.IGNORECASE)
_READ = frozenset(
    {"access_token", "refresh_token", "token_type", "scope", "expires_in", "expires_at", "expires_on", "refresh_in"}
    | {"refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"}
)
_MOST_FIELDS = 32
_MILLISECONDS = 1e11
"""A moment above this is not in seconds (it would be in the year 5138)."""


def read_grant(
    provider: OAuth2Provider, response: Response, *, sent: Collection[Secret] = (), person: bool = True
) -> Grant:
    """What the service granted (RFC 6749, section 5.1; unknown fields are allowed there).

    `sent` holds the secrets of the request, which no message repeats; `person` says whether a login can mend a refusal.
    Raises the error that the answer stands for. A success that can't be read has an unknown outcome: the service may well
    have redeemed the refresh token.
    """
    payload = read_payload(response)
    error = refusal(response, payload, service=provider.label, sent=sent, person=person)
    if error is not None:
        raise error
    trouble = _unreadable(payload)
    access_token = None if payload is None else payload.secret("access_token")
    if trouble or payload is None or access_token is None:
        raise HTTPError(
            f"{provider.label} answered {response.status} with {trouble}",
            remedy="check the address of the token endpoint",
            outcome=Outcome.UNKNOWN,
        )
    refresh_token = payload.secret("refresh_token")
    granted = [secret for secret in (access_token, refresh_token) if secret is not None]
    expires_in = _expires_in(payload, response) or provider.access_token_lifetime
    return Grant(
        access_token=access_token,
        token_type=_token_type(payload),
        expires_in=expires_in,
        refresh_in=_refresh_in(payload, expires_in),
        refresh_token=refresh_token,
        refresh_token_expires_in=_first(
            payload, "refresh_token_expires_in", "refresh_expires_in", "x_refresh_token_expires_in"
        ),
        scope=_scope(payload),
        secrets=dict(_secrets(payload)),
        extra=dict(_extra(payload, [*granted, *sent])),
    )


def _unreadable(payload: Payload | None) -> str:
    """Why an answer is no grant; empty if it is one. It names no value."""
    if payload is None:
        return "neither a JSON object nor a form"
    if not payload.get("access_token"):
        return "no access_token"
    if payload.wrong("access_token") or not _VISIBLE.fullmatch(payload["access_token"]):
        return "an access_token that can't be sent in a header"
    return "a refresh_token that is not text" if payload.wrong("refresh_token") else ""


def _expires_in(payload: Payload, response: Response) -> float | None:
    """The lifetime in seconds. A moment is taken only where there is none, and corrected by the service's own clock."""
    lifetime = seconds(payload.get("expires_in"))
    if lifetime is not None:
        return lifetime
    for name in ("expires_at", "expires_on"):
        moment = _moment(payload.get(name))
        if moment is not None:
            return seconds(moment - server_time(response))
    return None


def _moment(value: object) -> float | None:
    """Epoch seconds from a number, a numeric string, milliseconds or ISO 8601 (in UTC unless it says otherwise)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    with suppress(ValueError):
        number = float(value)
        return number / 1000 if number > _MILLISECONDS else number
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _refresh_in(payload: Payload, expires_in: float | None) -> float | None:
    """When the service itself advises to refresh (Microsoft); nonsense if that is not before the end."""
    advice = seconds(payload.get("refresh_in"))
    return advice if advice is not None and (expires_in is None or advice < expires_in) else None


def _first(payload: Payload, *names: str) -> float | None:
    return next((lifetime for name in names if (lifetime := seconds(payload.get(name))) is not None), None)


def _token_type(payload: Payload) -> str:
    token_type = payload.get("token_type")
    return token_type if isinstance(token_type, str) and _TOKEN_TYPE.fullmatch(token_type) else "Bearer"


def _scope(payload: Payload) -> str | None:
    scope = payload.get("scope")
    if isinstance(scope, list):
        scope = " ".join(item for item in scope if isinstance(item, str))
    return shown(scope, LONGEST_SECRET) if isinstance(scope, str) else None


def _secrets(payload: Payload) -> Iterator[tuple[str, Secret]]:
    """Other tokens that came along, such as an ID token."""
    for name in list(payload)[:_MOST_FIELDS]:
        if name.endswith("_token") and name not in _READ and shown(name, 64) == name:
            secret = payload.secret(name)
            if secret is not None and len(secret.reveal()) <= LONGEST_SECRET:
                yield name, secret


def _extra(payload: Payload, hidden: Collection[Secret]) -> Iterator[tuple[str, str | int | bool]]:
    """What else was said that is small, plain and by its name and content no secret."""
    for name in list(payload)[:_MOST_FIELDS]:
        secret_name = _SECRET_NAME.search(name) and name != "issued_token_type"  # RFC 8693, section 2.2.1
        if name in _READ or secret_name or shown(name, 64) != name:
            continue
        if isinstance(payload[name], bool | int):
            yield name, payload[name]
        elif is_text(payload[name]) and len(payload[name]) <= 1000 and (text := shown(payload[name], 1000, hidden)):
            yield name, text
