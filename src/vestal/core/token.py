"""`Token`: an access token and what a caller needs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vestal.core.secret import Secret


class Proof(Protocol):
    """Proves possession of the key that a token is bound to (RFC 9449). `headers` goes with one request only."""

    def headers(self, method: str, url: str, access_token: Secret | None = None) -> dict[str, str]:
        """The proof header for one request; with `access_token` it carries its hash (`ath`)."""

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        """Keep the newest nonce that the server at `url` named in its answer's headers (names in lower case).

        True if it was a new one, so that a request refused for want of it can be sent again.
        """


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. Tokens are opaque and of any length."""

    access_token: Secret
    token_type: str = "Bearer"
    expires_at: float | None = None
    """Epoch seconds; None if the service did not say, which means: good until refused."""
    scope: str = ""
    """The scopes granted, as the service wrote them."""
    version: int = 1
    """Counts the tokens of a credential; it only grows. Report a refused token as `newer_than=token.version`."""
    issued_at: float = 0.0
    """Epoch seconds: when the request for it was sent."""
    refresh_at: float | None = None
    """Epoch seconds: when the service itself advises to refresh (`refresh_in`)."""
    proof: Proof | None = field(default=None, repr=False, compare=False)
    """Set for tokens that are bound to a key (DPoP)."""

    def expires_in(self, now: float) -> float | None:
        """Seconds left at `now` (negative after expiry); None if the service did not say."""
        return None if self.expires_at is None else self.expires_at - now

    @property
    def authorization(self) -> str:
        """The value of the Authorization header (RFC 6750, 2.1; RFC 9449, 7.1). This is the secret itself."""
        return f"{self.scheme} {self.access_token.reveal()}"

    @property
    def scheme(self) -> str:
        """`DPoP` for a bound token, else `Bearer`: services write `bearer`, `Bearer` or names of their own for it."""
        return "DPoP" if self.token_type.lower() == "dpop" else "Bearer"

    def headers(self, method: str, url: str) -> dict[str, str]:
        """All headers that one request with this token needs."""
        proof: dict[str, str] = {}  # made first: nothing that may raise has the token in a variable
        if self.proof is not None and self.scheme == "DPoP":
            proof = self.proof.headers(method, url, self.access_token)
        return {"Authorization": self.authorization, **proof}
