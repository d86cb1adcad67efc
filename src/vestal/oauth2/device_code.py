"""The device authorization grant (RFC 8628): the person logs in on any other machine, with a short code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.errors import HTTPError, VestalError
from vestal.core.grant import Grant, seconds
from vestal.core.secret import Secret
from vestal.core.token import Proof
from vestal.core.transport import Response, Send, Text
from vestal.oauth2.address import check_address, origin
from vestal.oauth2.client_request import client_request, secrets_of
from vestal.oauth2.login_error import LoginTimedOut, access_denied, attempt, in_words_of_login
from vestal.oauth2.payload import Payload, read_payload, shown
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.refusal import refusal

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

_INTERVAL = 5.0
"""Seconds between two polls where the service names none (RFC 8628, section 3.2)."""
_SLOWER = 5.0
"""Seconds that `slow_down` adds, for good (RFC 8628, section 3.5)."""
_LIFETIME = 900.0
"""Seconds; used only where the service breaks section 3.2 and names no lifetime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAuthorization:
    """What the person is to be told, and what to ask the token endpoint with (RFC 8628, section 3.2)."""

    device_code: Secret
    user_code: str = field(repr=False)
    """For the person to type, or to compare (section 5.4). Whoever types it first decides whose account it is."""
    verification_uri: str
    verification_uri_complete: str | None = field(default=None, repr=False)
    """With the code in it."""
    expires_in: float = _LIFETIME
    interval: float = _INTERVAL


@dataclass(frozen=True, slots=True)
class _Pace:
    """How long to wait before the next poll."""

    interval: float
    unanswered: int = 0
    """Polls in a row without an answer. Each doubles the wait (RFC 8628, section 3.5)."""
    asked_for: float = 0.0
    """Seconds that the service asked for once (Retry-After)."""

    def wait(self) -> float:
        return max(self.interval * 2.0 ** min(self.unanswered, 10), self.asked_for)


def authorize(provider: OAuth2Provider, app: App, send: Send, clock: Clock) -> DeviceAuthorization:
    """Ask for a code (RFC 8628, section 3.1). The app authenticates as at the token endpoint. Raises `VestalError`."""
    url = check_address(provider.device_authorization_endpoint, "device authorization endpoint", "device_url")
    form: dict[str, Text] = {"scope": provider.scope_separator.join(app.scopes)} if app.scopes else {}
    request = client_request(provider, app, url, form, clock, headers=provider.token_headers)
    return _read(send(request), provider, secrets_of(request, app))


def poll(
    provider: OAuth2Provider,
    app: App,
    device: DeviceAuthorization,
    send: Send,
    clock: Clock,
    proof: Proof | None = None,
) -> Grant:
    """Ask the token endpoint until the person has decided or the code has expired (RFC 8628, sections 3.4 and 3.5).

    Passing trouble only makes it ask less often. Raises `LoginTimedOut`, `PermissionDenied` if the person said no, and
    every error that asking again does not mend.
    """
    parameters: dict[str, Text] = {"grant_type": GRANT_TYPE, "device_code": device.device_code}
    deadline = clock.steady() + device.expires_in
    pace = _Pace(device.interval)
    while (left := deadline - clock.steady()) > 0:
        clock.sleep(min(pace.wait(), left))
        result = attempt(provider, app, send, clock, parameters, proof)
        if isinstance(result, Grant):
            return result
        pace = _next(pace, result, provider)
        if pace.asked_for > deadline - clock.steady():
            raise result
    raise _expired(provider)


def _next(pace: _Pace, error: VestalError, provider: OAuth2Provider) -> _Pace:
    """How to go on after an error; raises it if it is the end."""
    match error.code:
        case "authorization_pending":
            return _Pace(pace.interval)
        case "slow_down":
            return _Pace(pace.interval + _SLOWER, asked_for=error.retry_after or 0.0)
        case "expired_token":
            raise _expired(provider)
        case "access_denied":
            raise access_denied(provider.label)
    if error.passing:
        return replace(pace, unanswered=pace.unanswered + 1, asked_for=error.retry_after or 0.0)
    raise in_words_of_login(error, provider.label)


def _expired(provider: OAuth2Provider) -> LoginTimedOut:
    return LoginTimedOut(
        f"nobody entered the code at {provider.label} before it expired",
        remedy="start the login again: it gives a new code",
        code="expired_token",
    )


def _read(response: Response, provider: OAuth2Provider, sent: tuple[Secret, ...]) -> DeviceAuthorization:
    payload = read_payload(response)
    error = refusal(response, payload, service=provider.label, sent=sent)
    if error is not None:
        raise error
    told = payload if payload is not None else Payload()
    device_code = told.secret("device_code")
    user_code = _line(told, "user_code", 100)
    # Google and the older Microsoft endpoints write `url`, as drafts of RFC 8628 did.
    address = _address(told, "verification_uri") or _address(told, "verification_url")
    if device_code is None or not user_code or not address:
        raise HTTPError(
            f"{provider.label} answered {response.status} without a code to log in with",
            remedy="check the address of the device authorization endpoint (device_url)",
        )
    return DeviceAuthorization(
        device_code=device_code,
        user_code=user_code,
        verification_uri=address,
        verification_uri_complete=_address(told, "verification_uri_complete") or None,
        expires_in=seconds(told.get("expires_in")) or _LIFETIME,
        interval=seconds(told.get("interval")) or _INTERVAL,
    )


def _line(payload: Payload, name: str, longest: int) -> str:
    """Text for a terminal, as it came; empty if it is not one printable line."""
    text = payload.get(name)
    return text if isinstance(text, str) and shown(text, longest) == text else ""


def _address(payload: Payload, name: str) -> str:
    """An address for a browser; empty if it is none."""
    text = _line(payload, name, 2000)
    return text if text.startswith(("https://", "http://")) and origin(text) and " " not in text else ""
