"""Checking signed tokens that clients make (RFC 7519): assertions and DPoP proofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from joserfc.jwk import Key

ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "Ed25519")
"""Asymmetric ones only (RFC 9449, 4.2; a shared secret would prove nothing to a third party)."""
LEEWAY = 10.0
"""Seconds by which clocks may differ."""
LONGEST_LIFE = 3600.0
"""Seconds. An `exp` further off is refused, as RFC 7523 (section 3, 4.) allows."""


class BadToken(Exception):
    """The token is not what it should be; the text says in which respect, in words that are safe to send."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A token whose signature is right."""

    header: Mapping[str, Any] = field(repr=False)
    claims: Mapping[str, Any] = field(repr=False)

    def text(self, claim: str) -> str:
        """A claim that must be a text. Raises `BadToken`."""
        value = self.claims.get(claim)
        if not isinstance(value, str) or not value:
            raise BadToken(f"{claim} is missing")
        return value

    def time(self, claim: str) -> float | None:
        """A claim that must be a time, if it is there. Raises `BadToken`."""
        value = self.claims.get(claim)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadToken(f"{claim} is not a number of seconds")
        return float(value)


def verified(text: str, find_key: Callable[[Signed], Key]) -> Signed:
    """The token, its signature checked with the key that `find_key` names from the unproven content. Raises `BadToken`."""
    import json

    from joserfc import jws

    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = 8192  # the default is too short for an RSA key in the header
    try:
        signature = jws.extract_compact(text.encode("ascii"), registry=registry)
        claims = json.loads(signature.payload)
        unproven = Signed(signature.headers(), claims) if isinstance(claims, dict) else None
    except Exception:  # a stranger's bytes may raise anything in there
        unproven = None
    if unproven is None:
        raise BadToken("it is not a signed JWT")
    if unproven.header.get("alg") not in ALGORITHMS:
        raise BadToken("alg is not one of " + " ".join(ALGORITHMS))
    key = find_key(unproven)
    try:
        genuine = jws.validate_compact(signature, key, registry=registry)
    except Exception:  # as above: a key of another kind, a broken signature
        genuine = False
    if not genuine:
        raise BadToken("the signature is wrong")
    return unproven


def check_times(token: Signed, now: float) -> float:
    """`exp`, which must lie ahead; `nbf` and `iat`, if there, must not (RFC 7523, section 3). Raises `BadToken`."""
    expires_at = token.time("exp")
    if expires_at is None:
        raise BadToken("exp is missing")
    if expires_at <= now - LEEWAY:
        raise BadToken("exp has passed")
    if expires_at > now + LONGEST_LIFE + LEEWAY:
        raise BadToken("exp is too far off")
    for claim in ("nbf", "iat"):
        if (token.time(claim) or 0.0) > now + LEEWAY:
            raise BadToken(f"{claim} lies in the future")
    return expires_at


def check_audience(token: Signed, allowed: tuple[str, ...]) -> None:
    """`aud` must name this server (RFC 7523, section 3, 3.). Raises `BadToken`."""
    audience = token.claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if not any(name in allowed for name in named):
        raise BadToken("aud does not name this server")
