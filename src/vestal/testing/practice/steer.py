"""What tests do to a server from the outside of the protocol, by Python and by the control API alike."""

from __future__ import annotations

import secrets

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.testing.practice import issue
from vestal.testing.practice.register import by_name
from vestal.testing.practice.state import Family, State


def seed(state: State, client_id: str, scope: str, subject: str) -> Secret:
    """A refresh token, as if a person had logged in. Raises `ConfigError`."""
    with state.lock:
        family = Family(client_id=by_name(state, client_id).id, subject=subject, scope=scope)
        return issue.refresh_token(state, family)


def revoke_family(state: State, token: Secret) -> None:
    """Revoke the grant that a refresh or access token belongs to, with all tokens. Raises `ConfigError`."""
    with state.lock:
        fingerprint = token.fingerprint()
        known = state.refresh_tokens.get(fingerprint) or state.access_tokens.get(fingerprint)
        if known is None:
            raise ConfigError("the practice server did not issue that token", remedy="give one of its tokens")
        issue.revoke(state, known.family)


def revoke_access_tokens(state: State) -> int:
    """Revoke every live access token, so that the resource answers 401; how many there were."""
    with state.lock:
        live = [token for token in state.access_tokens.values() if token.live(state.now())]
        for token in live:
            token.revoked = True
        return len(live)


def renew_dpop_nonce(state: State) -> None:
    """Ask for another nonce from now on; the present one is refused (RFC 9449, 8.2)."""
    with state.lock:
        state.dpop_nonce = secrets.token_urlsafe(16)
