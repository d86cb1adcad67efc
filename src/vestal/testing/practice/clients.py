"""Client authentication (RFC 6749, 2.3; RFC 7523, 2.2)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from vestal.core.secret import Secret
from vestal.testing.practice import jose
from vestal.testing.practice.message import Form, Refused, Request
from vestal.testing.practice.state import Client, State

if TYPE_CHECKING:
    from joserfc.jwk import Key

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def authenticate(state: State, request: Request, form: Form) -> Client:
    """The client that sent the request. Raises `Refused`: invalid_client, as a 401 (RFC 6749, 5.2)."""
    basic = request.headers.get("authorization")
    ways = [
        way
        for way, used in (
            ("basic", basic is not None),
            ("post", form.get("client_secret") is not None),
            ("private_key_jwt", form.get("client_assertion") is not None),
        )
        if used
    ]
    if len(ways) > 1:
        raise Refused("invalid_request", "more than one way of client authentication")  # MUST NOT (RFC 6749, 2.3)
    if basic is not None:
        return _by_basic(state, form, basic)
    if ways == ["private_key_jwt"]:
        return _by_assertion(state, form)
    return _by_form(state, form)


def authenticates(request: Request, form: Form) -> bool:
    """Whether the request says who the client is, in whatever way."""
    return "authorization" in request.headers or any(form.get(name) for name in ("client_id", "client_assertion"))


def _by_basic(state: State, form: Form, header: str) -> Client:
    try:
        scheme, _, text = header.partition(" ")
        name, colon, password = base64.b64decode(text.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        scheme, name, colon, password = "", "", "", ""
    if scheme.lower() != "basic" or not colon:
        raise _unknown(header=True)
    # Both halves are form-encoded before they are joined (RFC 6749, 2.3.1).
    client = state.clients.get(unquote_plus(name))
    if client is None or "basic" not in client.auth or client.secret != Secret(unquote_plus(password)):
        raise _unknown(header=True)
    if form.get("client_id") not in (None, client.id):
        raise Refused("invalid_request", "client_id is not the client that authenticated")
    return client


def _by_form(state: State, form: Form) -> Client:
    client = state.clients.get(form.get("client_id") or "")
    if client is None:
        raise _unknown()
    password = form.get("client_secret")
    if password is None and client.public:
        return client
    if password is None or "post" not in client.auth or client.secret != Secret(password):
        raise _unknown()
    return client


def _by_assertion(state: State, form: Form) -> Client:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise Refused("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
    try:
        return _by_signed(state, form, form.need("client_assertion"))
    except jose.BadToken as bad:
        problem = str(bad)
    raise Refused("invalid_client", f"client_assertion: {problem}", status=401)


def _by_signed(state: State, form: Form, assertion: str) -> Client:
    """The client that signed the assertion (RFC 7523, section 3; OpenID Connect Core, section 9). Raises `BadToken`."""
    signed = jose.verified(assertion, lambda unproven: registered_key(state, unproven.text("iss")))
    client = state.clients[signed.text("iss")]
    if "private_key_jwt" not in client.auth:
        raise jose.BadToken("the client is not registered for it")
    if signed.text("sub") != client.id or form.get("client_id") not in (None, client.id):
        raise jose.BadToken("iss, sub and client_id must be the client")
    jose.check_audience(signed, (state.issuer, f"{state.issuer}/token"))
    expires_at = jose.check_times(signed, state.now())
    if not state.first_use(f"assertion {client.id} {signed.text('jti')}", expires_at + jose.LEEWAY):
        raise jose.BadToken("jti has been used before")
    return client


def registered_key(state: State, issuer: str) -> Key:
    """The public key of whoever signs assertions. Raises `BadToken`."""
    client = state.clients.get(issuer)
    if client is None or client.key is None:
        raise jose.BadToken("iss has no key registered here")
    return client.key()


def _unknown(header: bool = False) -> Refused:
    # WWW-Authenticate is due where the Authorization header was used (RFC 6749, 5.2).
    headers = {"WWW-Authenticate": 'Basic realm="practice", charset="UTF-8"'} if header else {}
    return Refused("invalid_client", "unknown client, or wrong credentials", status=401, headers=headers)
