"""Sources for the hooks' tests."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping

from vestal.core.errors import NetworkError
from vestal.core.secret import Secret
from vestal.core.token import Proof, Token


class Ladder:
    """A source whose tokens are `t1`, `t2`, ... It keeps what it was asked for, and fails on demand."""

    def __init__(self, proof: Proof | None = None) -> None:
        self.version = 1
        self.asked: list[int | None] = []
        """The `newer_than` of every call."""
        self.reported = threading.Event()
        self.fails_first = False
        self.fails_newer = False
        self._proof = proof
        self._lock = threading.Lock()

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        with self._lock:
            self.asked.append(newer_than)
            if newer_than is None and self.fails_first:
                raise NetworkError("no token to be had")
            if newer_than is not None and self.fails_newer:
                self.reported.set()
                raise NetworkError("no newer token to be had")
            if newer_than is not None and newer_than >= self.version:
                self.version = newer_than + 1
            if newer_than is not None:
                self.reported.set()
            return self._at_hand()

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        return self.token(newer_than, min_ttl)

    def peek(self) -> Token | None:
        return self._at_hand()

    @property
    def newer(self) -> list[int]:
        """The versions that were reported as refused."""
        return [version for version in self.asked if version is not None]

    def _at_hand(self) -> Token:
        kind = "Bearer" if self._proof is None else "DPoP"
        return Token(Secret(f"t{self.version}"), kind, version=self.version, proof=self._proof)


class Key:
    """A proof of possession whose "signature" is plain JSON, so that the API can read it."""

    def __init__(self) -> None:
        self.nonce: str | None = None
        self._count = itertools.count()

    def headers(self, method: str, url: str, access_token: Secret | None = None) -> dict[str, str]:
        proof = {"htm": method, "htu": url, "nonce": self.nonce, "jti": str(next(self._count))}
        return {"DPoP": json.dumps(proof)}

    def learn(self, url: str, headers: Mapping[str, str]) -> bool:
        new = headers["dpop-nonce"] != self.nonce
        self.nonce = headers["dpop-nonce"]
        return new
