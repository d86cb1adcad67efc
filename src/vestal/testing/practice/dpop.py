"""DPoP proofs (RFC 9449): that the sender holds the key that a token is, or will be, bound to."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vestal.core.secret import Secret
from vestal.testing.practice import jose
from vestal.testing.practice.message import Refused, Request
from vestal.testing.practice.state import State

if TYPE_CHECKING:
    from joserfc.jwk import Key

WINDOW = 60.0
"""Seconds before and after the server's time within which a proof's `iat` must lie (RFC 9449, 11.1)."""
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}


def jkt(state: State, request: Request, *, access_token: Secret | None = None) -> str | None:
    """The thumbprint (RFC 7638) of the key that the request's proof was made with; None where there is no proof.

    With `access_token`, the proof must carry its hash. Raises `Refused`: invalid_dpop_proof, or use_dpop_nonce with the
    nonce to use (RFC 9449, sections 4.3, 8 and 9).
    """
    proof = request.headers.get("dpop")
    if proof is None:
        return None
    try:
        return _checked(state, request, proof, access_token)
    except jose.BadToken as bad:
        problem = str(bad)
    raise Refused("invalid_dpop_proof", f"DPoP proof: {problem}")


def _checked(state: State, request: Request, proof: str, access_token: Secret | None) -> str:
    signed = jose.verified(proof, _own_key)
    if signed.header.get("typ") != "dpop+jwt":
        raise jose.BadToken("typ is not dpop+jwt")
    if signed.text("htm") != request.method:
        raise jose.BadToken("htm is not the request's method")
    if _without_query(signed.text("htu")) != f"{state.issuer}{request.path}":
        raise jose.BadToken("htu is not the request's address")
    issued_at = signed.time("iat")
    now = state.now()
    if issued_at is None or abs(now - issued_at) > WINDOW:
        raise jose.BadToken("iat is missing or too far from now")
    if access_token is not None and signed.text("ath") != _hash(access_token):
        raise jose.BadToken("ath is not the hash of the access token")
    nonce = signed.claims.get("nonce")
    if state.settings.dpop_nonce and nonce != state.dpop_nonce:
        # The DPoP-Nonce header is added to every answer to a proof while nonces are asked for.
        raise Refused("use_dpop_nonce", "the proof must carry the server's nonce")
    thumbprint = _own_key(signed).thumbprint()
    if not state.first_use(f"dpop {thumbprint} {signed.text('jti')}", now + 2 * WINDOW):
        raise jose.BadToken("jti has been used before")
    return thumbprint


def _own_key(signed: jose.Signed) -> Key:
    """The public key in the proof's own header (RFC 9449, 4.2). Raises `jose.BadToken`."""
    from joserfc.jwk import import_key

    jwk = signed.header.get("jwk")
    if not isinstance(jwk, dict) or _PRIVATE & jwk.keys():
        raise jose.BadToken("jwk is missing, or not a public key")
    try:
        return import_key(jwk)
    except Exception:  # a stranger's key may raise anything in there
        problem = "jwk is not a key"
    raise jose.BadToken(problem)


def _without_query(url: str) -> str:
    """An address without query and fragment, scheme and host in lower case, no default port (RFC 9449, 4.3, 9.)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    shown = "" if port is None or (parts.scheme, port) in (("http", 80), ("https", 443)) else f":{port}"
    return f"{parts.scheme}://{parts.hostname}{shown}{parts.path or '/'}"


def _hash(access_token: Secret) -> str:
    """BASE64URL(SHA-256(ASCII(access token))) (RFC 9449, 4.2)."""
    digest = hashlib.sha256(access_token.reveal().encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
