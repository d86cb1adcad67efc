"""What it means when a service says no: status, headers and error code of an answer as one `VestalError`. Pure.

The service's own code decides where it has a known one; passing trouble (5xx, 429) is decided by the status first, so that
a broken gateway never costs a refresh token.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    HTTPError,
    NeedsLogin,
    Outcome,
    PermissionDenied,
    RateLimited,
    ServiceError,
    TimedOut,
    Unavailable,
    Unprocessable,
    VestalError,
)
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.oauth2.address import origin
from vestal.oauth2.payload import Payload, shown
from vestal.oauth2.retry_after import is_rate_limit, retry_after


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: type[VestalError]
    what: str
    remedy: str = ""


_CLIENT = _Meaning(AuthFailed, "refused the app", "check the client id, its secret or key, and how it authenticates")
_GRANT = _Meaning(NeedsLogin, "refused the grant")
_ASSERTION = _Meaning(
    PermissionDenied,
    "refused the grant",
    "check what the app is allowed to do, and this machine's clock; with a key, its issuer, subject and audience",
)
_REQUEST = _Meaning(ConfigError, "can't do what it is asked for", "check the grant and its settings")
_SCOPE = _Meaning(ConfigError, "does not give these scopes", "check the scopes of the app")
_PROOF = _Meaning(ConfigError, "refused the DPoP proof, or wants one", "set dpop=true, and check this machine's clock")
_DENIED = _Meaning(PermissionDenied, "denied access", "check what the app and the account are allowed to do")
_BUSY = _Meaning(ServiceError, "is out of order")
_SLOWER = _Meaning(RateLimited, "asks for patience")

_BY_CODE: Mapping[str, _Meaning] = {
    # RFC 6749, section 5.2
    "invalid_client": _CLIENT,
    "unauthorized_client": _CLIENT,
    "invalid_grant": _GRANT,
    "invalid_request": _REQUEST,
    "unsupported_grant_type": _REQUEST,
    "invalid_scope": _SCOPE,
    # RFC 6749, section 4.1.2.1
    "access_denied": _DENIED,
    "unsupported_response_type": _REQUEST,
    "server_error": _BUSY,
    "temporarily_unavailable": _BUSY,
    # RFC 7009, section 2.2.1
    "unsupported_token_type": _Meaning(Unprocessable, "can't do this with this kind of token"),
    # RFC 8628, section 3.5
    "authorization_pending": _Meaning(Unavailable, "is still waiting for the person"),
    "slow_down": _SLOWER,
    "expired_token": _GRANT,
    # RFC 8707, section 2
    "invalid_target": _Meaning(ConfigError, "does not know the audience or resource", "check audience and resource"),
    # RFC 9449, sections 5 and 8
    "invalid_dpop_proof": _PROOF,
    "use_dpop_nonce": _Meaning(ServiceError, "wants a DPoP nonce", "set dpop=true if it is not set"),
    # OpenID Connect Core, section 3.1.2.6
    "interaction_required": _GRANT,
    "login_required": _GRANT,
    "account_selection_required": _GRANT,
    "consent_required": _GRANT,
    # https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps (troubleshooting of token requests)
    "bad_refresh_token": _GRANT,
    "bad_verification_code": _GRANT,
    "incorrect_device_code": _GRANT,
    "incorrect_client_credentials": _CLIENT,
    "redirect_uri_mismatch": _REQUEST,
    "device_flow_disabled": _REQUEST,
    "unverified_user_email": _DENIED,
    # https://docs.slack.dev/reference/methods/oauth.v2.access
    "invalid_code": _GRANT,
    "code_already_used": _GRANT,
    "invalid_refresh_token": _GRANT,
    "token_expired": _GRANT,
    "token_revoked": _GRANT,
    "account_inactive": _GRANT,
    "invalid_client_id": _CLIENT,
    "bad_client_secret": _CLIENT,
    "bad_redirect_uri": _REQUEST,
    "ratelimited": _SLOWER,
    "rate_limited": _SLOWER,
}

_BY_STATUS: Mapping[int, _Meaning] = {
    401: _CLIENT,
    403: _DENIED,
    404: _Meaning(ConfigError, "has nothing at this address", "check the address of the endpoint"),
    405: _Meaning(ConfigError, "takes no such request at this address", "check the address of the endpoint"),
    408: _Meaning(TimedOut, "did not get the whole request in time"),
    410: _Meaning(ConfigError, "has nothing at this address any more", "check the address of the endpoint"),
    422: _Meaning(Unprocessable, "understood the request and can't do it"),
    425: _SLOWER,
    429: _SLOWER,
}

_GATEWAY = frozenset({502, 504, 520, 522, 524, 598, 599})
"""The gateway got no answer, or no good one, from the server behind it, which may have done its work
(RFC 9110, 15.6.3 and 15.6.5; 520, 522 and 524 are Cloudflare's, 598 and 599 those of other proxies)."""


def refusal(
    response: Response, payload: Payload | None, *, service: str, sent: Collection[Secret] = (), person: bool = True
) -> VestalError | None:
    """The error that an answer stands for; None for a success.

    `service` names it in messages and `sent` holds the secrets of the request, which no message repeats. `person` says
    whether a login can mend a refused grant: an assertion or another's token that was refused is no matter of login.
    A status of 2xx with an `error` in the body is an error (GitHub, Slack).
    """
    codes = list(_codes(payload, response.status))
    code = next((code for code in codes if code.lower() in _BY_CODE), codes[0] if codes else None)
    if 200 <= response.status < 300 and code is None:
        return None
    meaning = _meaning(response, code)
    if meaning is _GRANT and not person:
        meaning = _ASSERTION
    message = f"{service} {meaning.what}: {_told(payload, code, response.status, sent)}"
    if 300 <= response.status < 400:
        target = shown(origin(response.headers.get("location", "")), 100, sent)
        message += f", to {target}" if target else ""
    return meaning.kind(
        message,
        remedy=meaning.remedy,
        retry_after=retry_after(response) if meaning.kind.passing else None,
        outcome=Outcome.UNKNOWN if response.status in _GATEWAY or response.status < 200 else Outcome.ANSWERED,
        code=shown(code, 60, sent) or None,
    )


def _meaning(response: Response, code: str | None) -> _Meaning:
    status = response.status
    if status >= 500:
        return _BUSY
    if 300 <= status < 400:
        return _Meaning(ConfigError, "redirects, which is not followed with secrets", "check the address")
    if status in (408, 425, 429):
        return _BY_STATUS[status]
    if status == 403 and is_rate_limit(response):
        return _SLOWER
    known = _BY_CODE.get(code.lower()) if code else None
    return known or _BY_STATUS.get(status) or _Meaning(HTTPError, "answered with an error")


def _codes(payload: Payload | None, status: int) -> Iterator[str]:
    """The error codes in a body, the standard's own place first (RFC 6749, 5.2), then where others put theirs."""
    if payload is None:
        return
    error = payload.get("error")
    if isinstance(error, str) and error:
        yield error
    elif error:
        yield from _texts(error, ("error", "code", "type", "status"))  # Google, Facebook
        yield "error"
    if status >= 400:
        errors = payload.get("errors")
        yield from _texts(errors[0] if isinstance(errors, list) and errors else None, ("errorType", "code"))  # Fitbit
        yield from _texts(payload, ("error_code", "code", "status"))  # HubSpot


def _texts(fields: object, names: Collection[str]) -> Iterator[str]:
    if isinstance(fields, dict):
        yield from (text for name in names if isinstance(text := fields.get(name), str) and text)


def _told(payload: Payload | None, code: str | None, status: int, sent: Collection[Secret]) -> str:
    """What the service said, in its own words."""
    told = [text for text in (shown(code, 60, sent), _description(payload, sent)) if text]
    return ": ".join(told) if told else f"status {status}"


def _description(payload: Payload | None, sent: Collection[Secret]) -> str:
    if payload is None:
        return ""
    error, errors = payload.get("error"), payload.get("errors")
    places = [payload, error, errors[0] if isinstance(errors, list) and errors else None]
    names = ("error_description", "message")
    found = (shown(place.get(name), hidden=sent) for place in places if isinstance(place, dict) for name in names)
    return next((text for text in found if text), "")
