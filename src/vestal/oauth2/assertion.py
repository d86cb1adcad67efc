"""JWTs that an app signs to say who it is, or on whose behalf it asks (RFC 7523, section 3)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from vestal.core.clock import Clock
from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2 import settings

LIFETIME = 300.0
"""Seconds. An assertion is used at once; the rest is for clocks that disagree."""

LONGEST_LIFETIME = 3600.0


def sign_assertion(
    app: App, clock: Clock, *, issuer: str, subject: str | None, audience: str, claims: Mapping[str, str] | None = None
) -> Secret:
    """A new assertion, signed with the app's private key; a new `jti` each time, so that none is taken for a replay.

    The settings `assertion_audience`, `assertion_lifetime` (seconds), `assertion_algorithm`, `key_id`, `claim.NAME` and
    `assertion_header.NAME` change it. Raises `ConfigError`.
    """
    if not app.private_key:
        raise ConfigError("there is no private key to sign with", remedy="give one with --key-file")
    from vestal.oauth2.jose import read_key

    key = read_key(
        app.private_key, algorithm=app.settings.get("assertion_algorithm"), key_id=app.settings.get("key_id")
    )
    issued_at = int(clock.now())
    lifetime = settings.number(app, "assertion_lifetime", LIFETIME, longest=LONGEST_LIFETIME) or LIFETIME
    return Secret(
        key.sign(
            {
                "iss": issuer,
                **({"sub": subject} if subject else {}),
                "aud": app.settings.get("assertion_audience", audience),
                "iat": issued_at,
                "exp": issued_at + int(lifetime),
                "jti": secrets.token_urlsafe(16),
                **(claims or {}),
                **settings.prefixed(app, "claim."),
            },
            settings.prefixed(app, "assertion_header."),
        )
    )
