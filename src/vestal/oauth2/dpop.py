"""DPoP: a token that is good only together with a proof of its key (RFC 9449)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.oauth2.address import origin

if TYPE_CHECKING:
    from vestal.oauth2.jose import SigningKey

DPOP_KEY = "dpop_key"
"""Where a credential keeps its key, among its `secrets`."""

_NONCE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]{1,1024}")  # RFC 9449, section 8.1
_MOST_ORIGINS = 64


class DPoPKey:
    """An ES256 key that makes proofs. Safe for use by any number of threads.

    All objects of one key share the nonces that servers gave for it.
    """

    def __init__(self, secret: Secret, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._nonces = _nonces_of(secret.fingerprint())
        self._key: SigningKey | None = None

    @classmethod
    def generate(cls, clock: Clock | None = None) -> DPoPKey:
        """A new key."""
        from vestal.oauth2.jose import generate_key

        return cls(generate_key().private(), clock or SystemClock())

    @classmethod
    def from_secret(cls, secret: Secret, clock: Clock | None = None) -> DPoPKey:
        """The key that `secret()` gave. It is read when it is first used, which raises `ConfigError` if it can't be."""
        return cls(secret, clock or SystemClock())

    def secret(self) -> Secret:
        """The key as a JWK in JSON, to be kept with the credential."""
        return self._secret

    def thumbprint(self) -> str:
        """What a server knows the key by: `jkt` (RFC 9449, section 6.1; RFC 7638)."""
        return self._signing_key().thumbprint()

    def headers(self, method: str, url: str, access_token: Secret | None = None) -> dict[str, str]:
        """The proof for one request (RFC 9449, section 4.2). Raises `ConfigError`."""
        claims: dict[str, Any] = {
            "htm": method,
            "htu": _target(url),
            "iat": int(self._clock.now()),
            "jti": secrets.token_urlsafe(16),
        }
        if access_token is not None:
            claims["ath"] = _digest(access_token)
        nonce = self._nonces.get(origin(url))
        if nonce is not None:
            claims["nonce"] = nonce
        key = self._signing_key()
        return {"DPoP": key.sign(claims, {"typ": "dpop+jwt", "jwk": dict(key.public())})}

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        """Keep the newest nonce of the server at `url` (RFC 9449, section 8.2). True if it was a new one."""
        server, nonce = origin(url), headers.get("dpop-nonce", "")
        if not _NONCE.fullmatch(nonce) or self._nonces.get(server) == nonce:
            return False
        if len(self._nonces) >= _MOST_ORIGINS:
            self._nonces.clear()
        self._nonces[server] = nonce
        return True

    def _signing_key(self) -> SigningKey:
        if self._key is None:
            from vestal.oauth2.jose import read_key

            with suppress(ConfigError):  # it speaks of the app's key
                self._key = read_key(self._secret, algorithm="ES256")
        if self._key is None:
            raise ConfigError("the DPoP key kept with the credential can't be used", remedy="log in again")
        return self._key


@lru_cache(maxsize=1024)
def _nonces_of(fingerprint: str) -> dict[str, str]:
    """The newest nonce of each server, by origin, for one key.

    Without a lock: each step on a dict is atomic, the loser of a race is asked once more with a newer nonce, and a
    forked child finds no lock that nobody will release.
    """
    return {}


def _target(url: str) -> str:
    """`htu`: the address without query and fragment, normalised (RFC 9449, section 4.3, rule 9)."""
    if not origin(url):
        raise ConfigError("a DPoP proof was asked for what is no address", remedy="check the address of the request")
    return origin(url) + (urlsplit(url).path or "/")


def _digest(access_token: Secret) -> str:
    digest = hashlib.sha256(access_token.reveal().encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
