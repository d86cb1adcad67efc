"""GitHub Apps: their JWTs, their installations, and the tokens of those.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.github.stub.records import Repository, User
from tests.github.stub.refusal import Refused, not_found
from tests.github.stub.tokens import Token, Tokens, installation_token, random_text
from tests.github.stub.world import World

UNREADABLE = "A JSON web token could not be decoded"
TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
BAD_EXP = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion "
    "expires"
)
BAD_IAT = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
SUSPENDED = "This installation has been suspended"
MOST_AHEAD = 600
"""Seconds that `exp` may lie ahead."""
DRIFT = 60
"""Seconds that `iat` may lie ahead."""
PERMISSIONS = {
    "metadata": "read", "contents": "read", "pull_requests": "read", "issues": "read", "checks": "read",
    "statuses": "write",
}  # fmt: skip
_RANKS = ("", "read", "write", "admin")


@functools.cache
def key(number: int = 0) -> rsa.RSAPrivateKey:
    """A key pair, made once in this process: they are slow to make."""
    return rsa.generate_private_key(65537, 2048)


def pem(private_key: rsa.RSAPrivateKey) -> str:
    """PKCS#1, as GitHub gives them out."""
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@dataclass(slots=True, eq=False)
class App:
    """A registered App. `private_key` belongs to its client; the stub verifies with `public_keys` alone."""

    id: int
    slug: str
    owner: User
    client_id: str
    client_secret: str = field(repr=False)
    private_key: str = field(repr=False)
    public_keys: list[rsa.RSAPublicKey]
    permissions: dict[str, str]
    created_at: int


@dataclass(slots=True, eq=False)
class Installation:
    """An App in an account. `repositories`: None for all of the account's."""

    id: int
    app: App
    account: User
    repositories: list[Repository] | None
    permissions: dict[str, str]
    created_at: int
    suspended_at: int | None = None
    mints: int = 0
    """How many tokens it was given."""

    @property
    def owner(self) -> str:
        return f"installation:{self.id}"


class Apps:
    """All Apps and their installations. Use it under the world's lock."""

    def __init__(self, world: World, tokens: Tokens, now: Callable[[], float]) -> None:
        self._world = world
        self._tokens = tokens
        self._now = now
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.lifetime = 3600.0
        """Seconds that an installation token lives."""
        self.lag = 0.0
        """Seconds that a fresh installation token is refused with 401 (replication lag)."""
        self.stateless = False
        """Whether tokens have the long form of 2026."""

    def register(self, slug: str, permissions: dict[str, str] | None = None, key_number: int = 0) -> App:
        world, private = self._world, key(key_number)
        owner = world.users.get("acme") or next(iter(world.users.values()))
        app = App(
            world.next_id(), slug, owner, f"Iv23li{random_text(14)}", random_text(40), pem(private),
            [private.public_key()], dict(permissions or PERMISSIONS), int(self._now()),
        )  # fmt: skip
        self.apps[app.id] = app
        return app

    def install(
        self,
        app: App,
        account: User,
        repositories: Iterable[Repository] | None = None,
        permissions: dict[str, str] | None = None,
    ) -> Installation:
        installation = Installation(
            self._world.next_id(), app, account, None if repositories is None else list(repositories),
            dict(app.permissions if permissions is None else permissions), int(self._now()),
        )  # fmt: skip
        self.installations[installation.id] = installation
        return installation

    def uninstall(self, installation: Installation) -> None:
        """Its tokens are refused from now on."""
        self.installations.pop(installation.id, None)
        for token in self._tokens.of(installation.owner):
            token.revoked = True

    def authenticate(self, jwt: str) -> App:
        """The App that a JWT (RS256) speaks for. Raises `Refused` with the message that GitHub documents."""
        try:
            head, body, signature = jwt.split(".")
            header, claims = json.loads(_decode(head)), json.loads(_decode(body))
            signed = _decode(signature)
            if header["alg"] != "RS256":
                raise ValueError("alg")
            issuer = str(claims["iss"])
        except (ValueError, KeyError, TypeError):
            raise Refused(401, UNREADABLE) from None
        app = next((app for app in self.apps.values() if issuer in (str(app.id), app.client_id)), None)
        if app is None:
            raise Refused(404, "Integration not found")
        if not any(_signed_by(public, f"{head}.{body}".encode(), signed) for public in app.public_keys):
            raise Refused(401, UNREADABLE)
        now, expires, issued = self._now(), claims.get("exp"), claims.get("iat")
        if type(expires) not in (int, float) or expires <= now:
            raise Refused(401, BAD_EXP)
        if expires > now + MOST_AHEAD:
            raise Refused(401, TOO_FAR)
        if type(issued) is not int or issued > now + DRIFT:
            raise Refused(401, BAD_IAT)
        return app

    def of(self, app: App) -> list[Installation]:
        return [installation for installation in self.installations.values() if installation.app is app]

    def within(self, installation: Installation) -> list[Repository]:
        """The repositories that it reaches now."""
        if installation.repositories is not None:
            return installation.repositories
        return [repo for repo in self._world.repositories.values() if repo.owner is installation.account]

    def mint(self, app: App, installation_id: int, body: dict[str, object], *, stateless: bool | None = None) -> Token:
        """A token of an installation, narrowed as asked. Raises `Refused`: 403 suspended, 404, 422 not granted."""
        installation = self.installations.get(installation_id)
        if installation is None or installation.app is not app:
            raise not_found()
        if installation.suspended_at is not None:
            raise Refused(403, SUSPENDED)
        repositories = self._narrowed(installation, body)
        permissions = dict(installation.permissions)
        asked = body.get("permissions")
        if isinstance(asked, dict) and asked:
            for name, level in asked.items():
                if level not in _RANKS[1:] or _RANKS.index(level) > _RANKS.index(permissions.get(name, "")):
                    raise Refused(422, "The permissions requested are not granted to this installation.")
            permissions = {"metadata": "read", **asked}
        now = self._now()
        expires_at = float(int(now + self.lifetime))
        value = installation_token(
            app.id, stateless=self.stateless if stateless is None else stateless, expires_at=expires_at
        )
        installation.mints += 1
        return self._tokens.keep(
            Token(
                value,
                "installation",
                installation.owner,
                None,
                expires_at,
                now + self.lag if self.lag else 0.0,
                installation_id=installation.id,
                app_id=app.id,
                permissions=permissions,
                repositories=repositories,
            )
        )

    def _narrowed(self, installation: Installation, body: dict[str, object]) -> frozenset[int]:
        within = self.within(installation)
        names, ids = body.get("repositories"), body.get("repository_ids")
        if not isinstance(names, list) and not isinstance(ids, list):
            return frozenset(repository.id for repository in within)
        chosen = set()
        for name in names if isinstance(names, list) else []:
            chosen.add(next((repo.id for repo in within if repo.name.lower() == str(name).lower()), -1))
        for number in ids if isinstance(ids, list) else []:
            chosen.add(number if any(repo.id == number for repo in within) else -1)
        if -1 in chosen:
            raise Refused(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            )
        if len(chosen) > 500:
            raise Refused(422, "The request is too complex: at most 500 repositories can be named.")
        return frozenset(chosen)


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _signed_by(public: rsa.RSAPublicKey, message: bytes, signature: bytes) -> bool:
    try:
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
