"""The token endpoint: one function per grant, each from what is known and what is asked to the answer."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable

from vestal.core.secret import Secret
from vestal.testing.practice import assertions, clients, devices, dpop, exchange, id_token
from vestal.testing.practice.issue import access_token, granted_scope, refresh_token, revoke
from vestal.testing.practice.message import NO_STORE, Answer, Form, Refused, Request
from vestal.testing.practice.state import USER, Authorization, Client, Family, RefreshToken, State

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def token(state: State, request: Request) -> Answer:
    """The token endpoint (RFC 6749, 3.2). Raises `Refused`."""
    form = request.form()
    grant = form.need("grant_type")
    client: Client | None = None
    if grant != assertions.GRANT or clients.authenticates(request, form):  # there it is optional (RFC 7523, 3.1)
        client = clients.authenticate(state, request, form)
    jkt = dpop.jkt(state, request)
    if client is not None and client.dpop and jkt is None:
        raise Refused("invalid_dpop_proof", "this client's requests need a DPoP proof")  # RFC 9449, 5.2
    if grant == assertions.GRANT:
        return _answer(state, assertions.bearer(state, client, form, jkt))
    decide = GRANTS.get(grant)
    if decide is None or client is None:
        raise Refused("unsupported_grant_type", "there is no such grant here")
    return _answer(state, decide(state, client, form, jkt))


def authorization_code(state: State, client: Client, form: Form, jkt: str | None) -> dict[str, object]:
    """Redeem a code (RFC 6749, 4.1.3; RFC 7636, 4.6). Raises `Refused`."""
    code = state.codes.get(Secret(form.need("code")).fingerprint())
    if code is None or code.client_id != client.id:
        raise Refused("invalid_grant", "the code is unknown")
    if code.family is not None:
        # "MUST deny the request and SHOULD revoke ... all tokens previously issued" (RFC 6749, 4.1.2).
        state.counters.add("reuse_detected")
        revoke(state, code.family)
        raise Refused("invalid_grant", "the code has been redeemed before")
    if code.expires_at <= state.now():
        raise Refused("invalid_grant", "the code has expired")
    if form.need("redirect_uri") != code.redirect_uri:
        raise Refused("invalid_grant", "redirect_uri is not the one that the code was asked for with")
    _check_verifier(code, form.get("code_verifier"))
    if code.jkt not in (None, jkt):
        raise Refused("invalid_dpop_proof", "the code is bound to another key")  # RFC 9449, section 10
    code.family = Family(
        client_id=client.id,
        subject=USER,
        scope=code.scope,
        jkt=jkt if client.public else None,
        nonce=code.nonce,
    )
    return first_tokens(state, code.family, "authorization_code", jkt)


def client_credentials(state: State, client: Client, form: Form, jkt: str | None) -> dict[str, object]:
    """A token for the client itself (RFC 6749, 4.4). Raises `Refused`."""
    if client.public:
        raise Refused("unauthorized_client", "only confidential clients may use this grant")  # MUST (RFC 6749, 4.4)
    scope = granted_scope(client, form.get("scope"))
    # No refresh token: SHOULD NOT (RFC 6749, 4.4.3).
    family = Family(client_id=client.id, subject=client.id, scope=scope)
    return access_token(state, family, "client_credentials", scope=scope, jkt=jkt)


def device_code(state: State, client: Client, form: Form, jkt: str | None) -> dict[str, object]:
    """Redeem a device code (RFC 8628, 3.4). Raises `Refused`."""
    return first_tokens(state, devices.redeem(state, client, form, jkt), devices.GRANT, jkt)


def refresh(state: State, client: Client, form: Form, jkt: str | None) -> dict[str, object]:
    """Redeem a refresh token (RFC 6749, section 6; RFC 9700, 4.14.2). Raises `Refused`."""
    presented = Secret(form.need("refresh_token")).fingerprint()
    state.counters.add(f"presented.{presented}")
    known = state.refresh_tokens.get(presented)
    if known is None or known.family.client_id != client.id:
        raise Refused("invalid_grant", "the refresh token is unknown")
    family, now = known.family, state.now()
    if family.revoked:
        raise Refused("invalid_grant", "the refresh token has been revoked")
    if known.expires_at is not None and known.expires_at <= now:
        raise Refused("invalid_grant", "the refresh token has expired")
    if family.jkt not in (None, jkt):
        raise Refused("invalid_grant", "the refresh token is bound to another key")  # RFC 9449, section 5
    scope = granted_scope(client, form.get("scope"), within=family.scope)
    again = known.redeemed_at is not None
    if known.redeemed_at is not None and now - known.redeemed_at >= state.settings.reuse_grace:
        state.counters.add("reuse_detected")
        if state.settings.reuse_detection:
            revoke(state, family)
        raise Refused("invalid_grant", "the refresh token has been redeemed before")
    for name in (f"redeemed.{presented}", "redemptions", *(["grace_redemptions"] if again else [])):
        state.counters.add(name)
    answer = access_token(state, family, "refresh_token", scope=scope, jkt=jkt)
    answer |= id_token.member(state, family, scope)
    match state.settings.refresh_token_in_answer:
        case "present":
            answer["refresh_token"] = _successor(state, known, Secret(form.need("refresh_token"))).reveal()
        case "empty":
            answer["refresh_token"] = ""
    return answer


def first_tokens(state: State, family: Family, grant: str, jkt: str | None) -> dict[str, object]:
    """The first access token of a family, with its first refresh token."""
    answer = access_token(state, family, grant, scope=family.scope, jkt=jkt)
    answer["refresh_token"] = refresh_token(state, family).reveal()
    return answer | id_token.member(state, family, family.scope)


GRANTS: dict[str, Callable[[State, Client, Form, str | None], dict[str, object]]] = {
    "authorization_code": authorization_code,
    "refresh_token": refresh,
    "client_credentials": client_credentials,
    devices.GRANT: device_code,
    exchange.GRANT: exchange.exchange,
}


def _successor(state: State, known: RefreshToken, presented: Secret) -> Secret:
    """The refresh token to go on with."""
    if known.successor is not None and state.settings.grace_successor == "same":
        return known.successor
    if known.successor is None and not state.settings.rotation:
        return presented
    successor = refresh_token(state, known.family)
    if known.redeemed_at is None:
        known.redeemed_at, known.successor = state.now(), successor
    return successor


def _check_verifier(code: Authorization, verifier: str | None) -> None:
    """PKCE (RFC 7636, 4.6). Raises `Refused`."""
    if code.challenge is None:
        if verifier is not None:
            # Else an attacker could strip the challenge from the request (RFC 9700, 2.1.1).
            raise Refused("invalid_grant", "the code was asked for without a code_challenge")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise Refused("invalid_grant", "code_verifier is missing, or not 43 to 128 unreserved characters")
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != code.challenge:
        raise Refused("invalid_grant", "code_verifier does not match the code_challenge")


def _answer(state: State, members: dict[str, object]) -> Answer:
    """The answer as JSON, with whatever `expires_in` the settings want it to have."""
    wanted = state.settings.expires_in
    if wanted is not None:
        del members["expires_in"]
    text = json.dumps(members)
    if wanted:
        text = f'{text[:-1]}, "expires_in": {wanted}}}'  # as it stands: 1e400 could not be made by json.dumps
    return Answer(200, {"Content-Type": "application/json", **NO_STORE}, text.encode())
