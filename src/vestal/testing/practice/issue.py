"""Issuing tokens, and taking them back."""

from __future__ import annotations

import secrets

from vestal.core.secret import Secret
from vestal.testing.practice.message import Refused
from vestal.testing.practice.state import DEFAULT_SCOPE, AccessToken, Client, Family, RefreshToken, State


def granted_scope(client: Client, asked: str | None, within: str | None = None) -> str:
    """The scope to grant. It MUST NOT exceed what was granted before, nor what the client may have (RFC 6749, 3.3, 6)."""
    if within is None:
        limit = client.scopes
        default = DEFAULT_SCOPE if limit is None else " ".join(sorted(limit))
    else:
        limit, default = frozenset(within.split()), within
    scopes = list(dict.fromkeys((asked or default).split()))
    if limit is not None and not limit.issuperset(scopes):
        raise Refused("invalid_scope", "the scope exceeds what may be granted")
    return " ".join(scopes)


def access_token(state: State, family: Family, grant: str, *, scope: str, jkt: str | None) -> dict[str, object]:
    """A new access token, as the token endpoint's answer (RFC 6749, 5.1)."""
    token = _text(state)
    now = state.now()
    lifetime = state.settings.access_token_lifetime
    family.generation += 1
    state.access_tokens[token.fingerprint()] = AccessToken(
        family=family,
        scope=scope,
        issued_at=now,
        expires_at=now + lifetime,
        jkt=jkt,
        generation=family.generation,
    )
    state.tidy()
    state.counters.add(f"issued.{grant.rpartition(':')[2]}")
    return {
        "access_token": token.reveal(),
        "token_type": "Bearer" if jkt is None else "DPoP",
        "expires_in": int(lifetime) if lifetime == int(lifetime) else lifetime,
        "scope": scope,
    }


def refresh_token(state: State, family: Family) -> Secret:
    """A new refresh token of the family."""
    token = _text(state)
    lifetime = state.settings.refresh_token_lifetime
    state.refresh_tokens[token.fingerprint()] = RefreshToken(
        family=family, expires_at=None if lifetime is None else state.now() + lifetime
    )
    return token


def revoke(state: State, family: Family) -> None:
    """Make an end of a grant with all of its tokens."""
    if not family.revoked:
        family.revoked = True
        state.counters.add("families_revoked")


def _text(state: State) -> Secret:
    length = state.settings.token_length
    return Secret(secrets.token_urlsafe(length)[:length])
