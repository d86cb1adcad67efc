"""User-to-server tokens of Apps: refresh (single use) and device login. Errors come with status 200, as GitHub has it.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tests.github.stub.apps import App
from tests.github.stub.records import User
from tests.github.stub.refusal import Refused
from tests.github.stub.route import Call, route
from tests.github.stub.tokens import Token, random_text

if TYPE_CHECKING:
    from tests.github.stub.service import Service

HOURS_8 = 28_800
MONTHS_6 = 15_811_200
DEVICE_LIFETIME = 900
_DOCUMENTATION = (
    "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors"
)


@dataclass(slots=True)
class RefreshToken:
    app: App
    user: User
    expires_at: float
    access: Token
    device: bool
    """From device login: then no client secret is needed."""
    used: bool = False


@dataclass(slots=True)
class Device:
    app: App
    user_code: str
    expires_at: float
    polled_at: float = 0.0
    user: User | None = None
    denied: bool = False


class OAuth:
    """What github.com/login knows."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.lifetime = HOURS_8
        self.interval = 5
        """Seconds between two polls of a device."""
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.devices: dict[str, Device] = {}

    def issue(self, app: App, user: User, *, device: bool = False) -> dict[str, object]:
        """A pair of tokens, as the token endpoint answers."""
        now = self._service.clock.now()
        access = self._service.tokens.keep(
            Token(
                f"ghu_{random_text(36)}",
                "user-to-server",
                f"user:{user.id}",
                user,
                now + self.lifetime,
                app_id=app.id,
                permissions=app.permissions,
            )
        )
        refresh = f"ghr_{random_text(76)}"
        self.refresh_tokens[refresh] = RefreshToken(app, user, now + MONTHS_6, access, device)
        return {
            "access_token": access.value, "expires_in": self.lifetime, "refresh_token": refresh,
            "refresh_token_expires_in": MONTHS_6, "scope": "", "token_type": "bearer",
        }  # fmt: skip

    def refresh(self, app: App, form: dict[str, str]) -> dict[str, object]:
        """Redeem a refresh token, once: it and its access token are worth nothing afterwards."""
        known = self.refresh_tokens.get(form.get("refresh_token", ""))
        now = self._service.clock.now()
        if known is None or known.used or known.app is not app or now >= known.expires_at:
            return refused("bad_refresh_token", "The refresh token passed is incorrect or expired.")
        if form.get("client_secret") != app.client_secret and not (known.device and "client_secret" not in form):
            return incorrect_client()
        known.used = known.access.revoked = True
        return self.issue(app, known.user, device=known.device)

    def poll(self, app: App, form: dict[str, str]) -> dict[str, object]:
        """https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps#device-flow"""
        device, now = self.devices.get(form.get("device_code", "")), self._service.clock.now()
        if device is None or device.app is not app:
            return refused("incorrect_device_code", "The device_code provided is not valid.")
        if now >= device.expires_at:
            return refused("expired_token", "The device_code has expired.")
        if device.denied:
            return refused("access_denied", "The authorization request was denied.")
        if device.user is not None:
            self.devices.pop(form["device_code"])
            return self.issue(app, device.user, device=True)
        early, device.polled_at = now < device.polled_at + self.interval, now
        if early:
            return {**refused("slow_down", "Too many requests have been made in the same timeframe."),
                    "interval": self.interval + 5}  # fmt: skip
        return refused("authorization_pending", "The authorization request is still pending.")


@route("POST", "/login/oauth/access_token", free=True)
def access_token(call: Call) -> object:
    oauth, form = call.service.oauth, _form(call)
    app = _client(call, form)
    if app is None:
        return incorrect_client()
    grant = form.get("grant_type", "authorization_code")
    if grant == "refresh_token":
        return oauth.refresh(app, form)
    if grant == "urn:ietf:params:oauth:grant-type:device_code":
        return oauth.poll(app, form)
    return refused("unsupported_grant_type", "The grant type is not supported.")


@route("POST", "/login/device/code", free=True)
def device_code(call: Call) -> object:
    oauth, app = call.service.oauth, _client(call, _form(call))
    if app is None:
        raise Refused(404, "Not Found")
    code, user_code = random_text(40), f"{random_text(4)}-{random_text(4)}".upper()
    oauth.devices[code] = Device(app, user_code, call.service.clock.now() + DEVICE_LIFETIME)
    return {
        "device_code": code, "user_code": user_code, "verification_uri": f"{call.service.url}/login/device",
        "expires_in": DEVICE_LIFETIME, "interval": oauth.interval,
    }  # fmt: skip


def refused(error: str, description: str) -> dict[str, object]:
    return {"error": error, "error_description": description, "error_uri": _DOCUMENTATION}


def incorrect_client() -> dict[str, object]:
    return refused("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.")


def _client(call: Call, form: dict[str, str]) -> App | None:
    return next((app for app in call.service.apps.apps.values() if app.client_id == form.get("client_id")), None)


def _form(call: Call) -> dict[str, str]:
    body = call.request.body.decode("utf-8", "replace")
    if "json" in call.request.headers.get("content-type", ""):
        return {name: str(value) for name, value in json.loads(body or "{}").items()}
    return dict(parse_qsl(body or call.request.query_text))
