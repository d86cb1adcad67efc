"""ID tokens (OpenID Connect Core, section 2), for grants with the scope `openid`."""

from __future__ import annotations

from vestal.testing.practice.state import Family, State


def member(state: State, family: Family, scope: str) -> dict[str, object]:
    """The member `id_token` for a token answer; nothing where it was not asked for."""
    if "openid" not in scope.split():
        return {}
    from joserfc import jwt

    now = int(state.now())
    claims: dict[str, object] = {
        "iss": state.issuer,
        "sub": family.subject,
        "aud": family.client_id,
        "iat": now,
        "exp": now + 300,
    }
    if family.nonce is not None:
        claims["nonce"] = family.nonce
    key = state.keys.server
    return {"id_token": jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)}
