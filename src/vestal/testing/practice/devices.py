"""The device authorization grant (RFC 8628): asking, deciding, polling."""

from __future__ import annotations

import secrets

from vestal.core.secret import Secret
from vestal.testing.practice import clients, pages
from vestal.testing.practice.issue import granted_scope
from vestal.testing.practice.message import Answer, Form, Refused, Request, json_answer
from vestal.testing.practice.state import USER, Client, Device, Family, State

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no words come about, and nothing that looks alike (RFC 8628, 6.1)."""


def authorize(state: State, request: Request) -> Answer:
    """The device authorization endpoint (RFC 8628, 3.1 and 3.2). Raises `Refused`."""
    form = request.form()
    client = clients.authenticate(state, request, form)
    settings = state.settings
    device = Device(
        client_id=client.id,
        scope=granted_scope(client, form.get("scope")),
        expires_at=state.now() + settings.device_lifetime,
        interval=settings.device_interval,
    )
    device_code = Secret(secrets.token_urlsafe(32))
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    state.devices[device_code.fingerprint()] = device
    state.user_codes[letters] = device
    user_code = f"{letters[:4]}-{letters[4:]}"
    return json_answer(
        {
            "device_code": device_code.reveal(),
            "user_code": user_code,
            "verification_uri": f"{state.issuer}/device",
            "verification_uri_complete": f"{state.issuer}/device?user_code={user_code}",
            "expires_in": int(settings.device_lifetime),
            "interval": settings.device_interval,
        }
    )


def redeem(state: State, client: Client, form: Form, jkt: str | None) -> Family:
    """What the person granted (RFC 8628, 3.4 and 3.5). Raises `Refused` while, or because, there is nothing."""
    fingerprint = Secret(form.need("device_code")).fingerprint()
    device = state.devices.get(fingerprint)
    now = state.now()
    if device is None or device.client_id != client.id:
        raise Refused("invalid_grant", "the device code is unknown, or has been redeemed")
    if device.expires_at <= now:
        raise Refused("expired_token", "the device code has expired")
    if device.approved is False:
        raise Refused("access_denied", "the person said no")
    if device.approved is None:
        last, device.polled_at = device.polled_at, now
        if last is not None and now - last < device.interval:
            device.interval += 5  # for this and all later requests (RFC 8628, 3.5)
            raise Refused("slow_down", "poll less often: the interval has grown by 5 seconds")
        raise Refused("authorization_pending", "the person has not decided yet")
    del state.devices[fingerprint]
    return Family(client_id=client.id, subject=USER, scope=device.scope, jkt=jkt if client.public else None)


def decide(state: State, user_code: str, approved: bool) -> bool:
    """Let the person say yes or no. False if there is no such code that waits for it."""
    letters = "".join(letter for letter in user_code.upper() if letter in _LETTERS)
    device = state.user_codes.get(letters)
    if device is None or device.approved is not None or device.expires_at <= state.now():
        return False
    device.approved = approved
    return True


def show(state: State, request: Request) -> Answer:
    """The page where the person types the code (RFC 8628, 3.3)."""
    return pages.device(request.query.get("user_code") or "")


def submit(state: State, request: Request) -> Answer:
    """The person typed a code and decided."""
    form = request.form()
    user_code = form.get("user_code") or ""
    if not pages.logged_in(form):
        return pages.device(user_code, "Wrong name or password.")
    approved = form.get("decision") == "allow"
    if not decide(state, user_code, approved):
        return pages.device("", "There is no such code, or it has expired.")
    return pages.note("Allowed" if approved else "Denied", "You can go back to your device now.")
