"""What is told of a token beside the secret itself."""

from __future__ import annotations

from typing import Any

from vestal.core.token import Token
from vestal.operations.times import rfc3339, span


def as_values(token: Token, now: float) -> dict[str, Any]:
    """For programs. `expires_in` is in whole seconds; both times are None if the service did not say."""
    left = token.expires_in(now)
    return {
        "token_type": token.token_type,
        "expires_at": rfc3339(token.expires_at),
        "expires_in": None if left is None else int(left),
        "scope": token.scope,
        "version": token.version,
    }


def as_words(token: Token, now: float) -> str:
    """For people: `token 7, good for 59 min 59 s`."""
    left = token.expires_in(now)
    return f"token {token.version}, good " + ("until it is refused" if left is None else f"for {span(left)}")
