"""Tokens: what each stands for, how it looks, until when it is good, and whose quota it uses."""

from __future__ import annotations

import base64
import json
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.github.stub.records import Repository, User
from tests.github.stub.refusal import Refused, bad_credentials

_ALPHABET = string.ascii_letters + string.digits
_LEVELS = {"read": 1, "write": 2, "admin": 3}


@dataclass(slots=True, eq=False)
class Token:
    """One access token. `kind`: `classic`, `fine-grained`, `user-to-server`, `oauth` or `installation`."""

    value: str = field(repr=False)
    kind: str
    owner: str
    """Whose quota: `user:ID` or `installation:ID`."""
    user: User | None = None
    expires_at: float | None = None
    valid_from: float = 0.0
    """Refused before (replication lag)."""
    revoked: bool = False
    installation_id: int | None = None
    app_id: int | None = None
    permissions: dict[str, str] | None = None
    """None: all that the user may."""
    repositories: frozenset[int] | None = None
    """Ids; None: all that the user, or the installation, sees."""

    def may(self, permission: str, level: str) -> bool:
        if self.permissions is None:
            return True
        return _LEVELS.get(self.permissions.get(permission, ""), 0) >= _LEVELS[level]


class Tokens:
    """All tokens that were ever given out."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}
        self._now = now

    def keep(self, token: Token) -> Token:
        with self._lock:
            self._tokens[token.value] = token
        return token

    def get(self, value: str) -> Token | None:
        with self._lock:
            return self._tokens.get(value)

    def find(self, value: str) -> Token:
        """The token, if it is good now. Raises `Refused` (401 Bad credentials)."""
        token = self.get(value)
        now = self._now()
        if token is None or token.revoked or now < token.valid_from:
            raise bad_credentials()
        if token.expires_at is not None and now >= token.expires_at:
            raise bad_credentials()
        return token

    def revoke(self, value: str) -> bool:
        """Refuse a token from now on; whether there was such a token."""
        token = self.get(value)
        if token is not None:
            token.revoked = True
        return token is not None

    def of(self, owner: str) -> list[Token]:
        with self._lock:
            return [token for token in self._tokens.values() if token.owner == owner]


def random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def classic() -> str:
    return f"ghp_{random_text(36)}"


def fine_grained() -> str:
    return f"github_pat_{random_text(22)}_{random_text(59)}"


def installation_token(app_id: int, *, stateless: bool, expires_at: float) -> str:
    """`ghs_` and 36 characters; or `ghs_APPID_JWT`, about 520 of any length, as GitHub gives out since 2026."""
    if not stateless:
        return f"ghs_{random_text(36)}"
    header = {"alg": "RS256", "typ": "JWT", "kid": random_text(20)}
    claims = {"iss": "github.com", "exp": int(expires_at), "jti": random_text(20 + secrets.randbelow(20))}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return f"ghs_{app_id}_{'.'.join(parts)}.{base64.urlsafe_b64encode(secrets.token_bytes(256)).decode().rstrip('=')}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: with a token, with an App's JWT (`app_id`), or nobody."""

    owner: str
    token: Token | None = None
    app_id: int | None = None

    @property
    def user(self) -> User | None:
        return self.token.user if self.token else None

    def sees(self, repository: Repository) -> bool:
        """Whether the repository is there at all for the caller; what it does not see is 404."""
        return not repository.private or self.reaches(repository)

    def reaches(self, repository: Repository) -> bool:
        """Whether the token was given for the repository (public ones are seen without that)."""
        token = self.token
        if token is None:
            return False
        if token.repositories is not None and repository.id not in token.repositories:
            return False
        if token.user is None:
            return True
        return token.user is repository.owner or token.user in repository.collaborators

    def need(self, repository: Repository, permission: str, level: str) -> None:
        """Raises `Refused`: 404 if hidden, 403 if the token lacks the permission.

        https://docs.github.com/rest/authentication/permissions-required-for-github-apps
        """
        if not self.sees(repository):
            raise Refused(404, "Not Found")
        if level == "read" and not repository.private:
            return  # "if only public resources are requested", none is needed
        token = self.token
        if token is None:
            raise Refused(401, "Requires authentication")
        if not self.reaches(repository) or not token.may(permission, level):
            if token.kind == "classic":
                raise Refused(404, "Not Found")
            what = "integration" if token.kind in ("installation", "user-to-server") else "personal access token"
            raise Refused(
                403,
                f"Resource not accessible by {what}",
                headers={"X-Accepted-GitHub-Permissions": f"{permission}={level}"},
            )
