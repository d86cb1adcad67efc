"""Sealing: AES-256-GCM above the store, so that no store ever sees a plain secret.

A sealed blob is: format byte, key id (8), nonce (12), ciphertext with tag. The associated data are the record's name,
revision, version and its readable part, so that nobody who can write the store can move a secret to another name, bring an
old one back under a new number, or redirect it by editing an endpoint.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

from vestal.core.credential import Credential
from vestal.core.errors import ConfigError, Conflict
from vestal.core.ledger import Ledger
from vestal.stores.codec import Secrets, dumps, join, public_part, secret_part
from vestal.stores.keys import Key, KeySource
from vestal.stores.record import Backend, Record

_FORMAT = b"\x01"
_NONCE_LENGTH = 12
_HEAD = len(_FORMAT) + 8


class SealedStore:
    """A `Store` over a `Backend`: turns credentials into records and back, sealing on the way."""

    def __init__(self, backend: Backend, keys: KeySource) -> None:
        self.backend = backend
        self.keys = keys

    def load(self, name: str) -> Credential | None:
        """See `Store.load`. Raises `ConfigError` if it can't be unsealed."""
        record = self.backend.get(name)
        return None if record is None else self._open(record)

    def save(self, credential: Credential) -> Credential:
        """See `Store.save`."""
        saved = replace(credential, revision=credential.revision + 1)
        if not self.backend.put(self._seal(saved)):
            raise Conflict("its record has moved on", credential=credential.name, remedy="read it again")
        return saved

    def delete(self, name: str) -> bool:
        """See `Store.delete`."""
        return self.backend.delete(name)

    def names(self) -> list[str]:
        """See `Store.names`."""
        return self.backend.names()

    def iterate(self) -> Iterator[Credential]:
        """See `Store.iterate`."""
        for record in self.backend.records():
            yield self._open(record)

    def lease(self, name: str, timeout: float) -> AbstractContextManager[None]:
        """See `Store.lease`."""
        return self.backend.lease(name, timeout)

    def leased(self, name: str) -> bool:
        """See `Store.leased`."""
        return self.backend.leased(name)

    @property
    def ledger(self) -> Ledger:
        """See `Store.ledger`."""
        return self.backend.ledger

    def close(self) -> None:
        """See `Store.close`."""
        self.backend.close()

    def reseal(self, lease_timeout: float) -> int:
        """Seal every record again that is not under the first key; how many there were. For key rotation."""
        primary = self.keys.ring(fresh=True)[0].id
        count = 0
        for name in self.backend.names():
            with self.backend.lease(name, lease_timeout):
                record = self.backend.get(name)
                if record is not None and key_id(record.sealed) != primary:
                    self.save(self._open(record))
                    count += 1
        return count

    def _seal(self, credential: Credential) -> Record:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self.keys.ring(fresh=True)[0]  # an older one may be forgotten soon, and the record with it
        name, revision, version = credential.name, credential.revision, credential.version
        public = dumps(public_part(credential))
        nonce = os.urandom(_NONCE_LENGTH)
        associated = _associated(name, revision, version, public)
        sealed = AESGCM(key.bits).encrypt(nonce, dumps(secret_part(credential)).encode(), associated)
        return Record(name, revision, version, public, _FORMAT + key.id + nonce + sealed)

    def _open(self, record: Record) -> Credential:
        secret = self._unseal(record)
        try:
            return join(record.name, record.version, record.revision, json.loads(record.public), secret)
        except (KeyError, TypeError, ValueError):
            pass
        raise ConfigError("its record can't be read", credential=record.name, remedy="restore the store from a backup")

    def _unseal(self, record: Record) -> Secrets:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._key(record)
        body = record.sealed[_HEAD:]
        associated = _associated(record.name, record.revision, record.version, record.public)
        try:
            return Secrets(json.loads(AESGCM(key.bits).decrypt(body[:_NONCE_LENGTH], body[_NONCE_LENGTH:], associated)))
        except (InvalidTag, ValueError):
            pass
        raise ConfigError(
            "its record can't be unsealed: it was changed outside Vestal",
            credential=record.name,
            remedy=f"restore the store from a backup, or `vestal remove {record.name}` and add it again",
        )

    def _key(self, record: Record) -> Key:
        if record.sealed[:1] == _FORMAT:
            wanted = key_id(record.sealed)
            for fresh in (False, True):  # another process may have put a new key in front
                for key in self.keys.ring(fresh=fresh):
                    if key.id == wanted:
                        return key
        raise ConfigError(
            f"its record is sealed with the key {record.sealed[1:_HEAD].hex()}, which is not at hand",
            credential=record.name,
            remedy="put back the key that this store was made with",
        )


def key_id(sealed: bytes) -> bytes:
    """The id of the key that sealed a blob."""
    return sealed[len(_FORMAT) : _HEAD]


def _associated(name: str, revision: int, version: int, public: str) -> bytes:
    return json.dumps(["vestal record", name, revision, version, public]).encode()
