"""Master keys: where they come from, and how they change.

A key ring is one or more 32-byte keys, the first of which seals while all of them unseal. In files, the environment and
the OS keyring it is text: base64, one key a line (or divided by commas or blanks). A key is named by its fingerprint.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret, secret_or_none
from vestal.stores.files import check_private, write_private
from vestal.stores.leases import FileLeases

KEY_LENGTH = 32
"""Bytes: AES-256."""

_PATIENCE = 60.0
"""Seconds to wait for another process that changes the keys."""

_SALT_LENGTH = 16
"""Bytes (RFC 9106, section 3.1)."""


@dataclass(frozen=True, slots=True)
class Key:
    """A master key."""

    id: bytes
    """8 bytes that stand in front of everything it has sealed."""
    bits: bytes = field(repr=False)

    @classmethod
    def of(cls, bits: bytes) -> Key:
        """The key of these bytes, named by their fingerprint."""
        return cls(hashlib.sha256(b"vestal key\0" + bits).digest()[:8], bits)


class KeySource(Protocol):
    """Where master keys are kept."""

    def ring(self, *, fresh: bool = False) -> Sequence[Key]:
        """The key ring, the sealing one first. Cheap to call often; with `fresh`, it is read again in any case.

        Raises `ConfigError`.
        """

    def exists(self) -> bool:
        """Whether there is a key ring."""

    def add(self) -> None:
        """Put a new key in front (the first one, if there is none). Raises `ConfigError` where people keep the keys."""

    def retire(self, keep: set[bytes]) -> None:
        """Forget the keys whose ids are not in `keep`."""


def parse_ring(text: Secret, where: str) -> tuple[Key, ...]:
    """Keys from their text. Raises `ConfigError` naming `where`."""
    found = [_key(Secret(word)) for word in text.reveal().replace(",", " ").split()]
    keys = tuple(key for key in found if key is not None)
    if not found:
        raise ConfigError(f"{where} is empty", remedy="restore it from a backup")
    if len(keys) < len(found):
        raise ConfigError(
            f"{where} holds no usable key: a key is {KEY_LENGTH} bytes in base64", remedy="restore it from a backup"
        )
    return keys


def _key(word: Secret) -> Key | None:
    try:
        bits = base64.b64decode(word.reveal(), validate=True)
    except ValueError:  # binascii.Error is one
        return None
    return Key.of(bits) if len(bits) == KEY_LENGTH else None


def format_ring(keys: Sequence[Key]) -> str:
    """Keys as text, one a line."""
    return "".join(base64.b64encode(key.bits).decode() + "\n" for key in keys)


class FileKeys:
    """A key ring in a file of mode 0600: the default. Read again whenever the file has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: tuple[Key, ...] = ()

    def ring(self, *, fresh: bool = False) -> Sequence[Key]:
        """The key ring. Raises `ConfigError` if it is missing, broken or open to others."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            raise ConfigError(
                f"the key file {self.path} is missing",
                remedy="restore it from a backup, or `vestal init` for a new home",
            ) from None
        except OSError as error:
            raise ConfigError(
                f"the key file {self.path} can't be read: {error.strerror}", remedy="check its owner"
            ) from None
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp != self._stamp:
            check_private(self.path)
            self._keys = parse_ring(Secret(_read_text(self.path)), f"the key file {self.path}")
            self._stamp = stamp
        return self._keys

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def add(self) -> None:
        """A new random key in front."""
        with _alone(self.path.parent):
            old = self.ring() if self.exists() else ()
            write_private(self.path, format_ring([Key.of(secrets.token_bytes(KEY_LENGTH)), *old]))

    def retire(self, keep: set[bytes]) -> None:
        """Forget the keys whose ids are not in `keep`."""
        with _alone(self.path.parent):
            write_private(self.path, format_ring([key for key in self.ring() if key.id in keep]))


class EnvironmentKeys:
    """A key ring in an environment variable. People keep it: to rotate, put a new key in front and reseal."""

    def __init__(self, variable: str = "VESTAL_KEY", environ: Callable[[str], str | None] = os.environ.get) -> None:
        self._variable = variable
        self._get = environ

    def ring(self, *, fresh: bool = False) -> Sequence[Key]:
        """The key ring. Raises `ConfigError` if the variable is missing or broken."""
        text = secret_or_none(self._get(self._variable))
        if text is None:
            raise ConfigError(
                f"the master key is to come from ${self._variable}, which is not set",
                remedy=f"set {self._variable} to 32 random bytes in base64",
            )
        return parse_ring(text, f"${self._variable}")

    def exists(self) -> bool:
        """Whether the variable is set."""
        return bool(self._get(self._variable))

    def add(self) -> None:
        """Refuses: whoever sets the variable keeps the keys."""
        if not self.exists():
            self.ring()
        raise ConfigError(
            f"the keys in ${self._variable} are yours to change",
            remedy=f"put a new key in front in {self._variable} (new,old), then run `vestal rotate-key --reseal-only`",
        )

    def retire(self, keep: set[bytes]) -> None:
        """Nothing: the old key can be taken out of the variable once everything is resealed."""


class KeyringKeys:
    """A key ring in the operating system's keyring (extra `keyring`)."""

    def __init__(self, account: str, folder: Path | None = None) -> None:
        """`account` tells homes apart; in `folder`, if there is one, processes queue up to change the ring."""
        self._account = account
        self._folder = folder
        self._cached: tuple[Key, ...] = ()

    def ring(self, *, fresh: bool = False) -> Sequence[Key]:
        """The key ring. Raises `ConfigError` if the keyring has none or can't be used."""
        if fresh or not self._cached:
            text = self._ask()
            if text is None:
                raise ConfigError("the OS keyring holds no key for this home", remedy="unlock it, or `vestal init`")
            self._cached = parse_ring(text, "the OS keyring")
        return self._cached

    def exists(self) -> bool:
        """Whether the keyring has a key for this home."""
        return self._ask() is not None

    def add(self) -> None:
        """A new random key in front."""
        with self._alone():
            old = self.ring(fresh=True) if self.exists() else ()
            self._tell([Key.of(secrets.token_bytes(KEY_LENGTH)), *old])

    def retire(self, keep: set[bytes]) -> None:
        """Forget the keys whose ids are not in `keep`."""
        with self._alone():
            self._tell([key for key in self.ring(fresh=True) if key.id in keep])

    def _alone(self) -> AbstractContextManager[None]:
        return nullcontext() if self._folder is None else _alone(self._folder)

    def _ask(self) -> Secret | None:
        trouble = None
        try:
            import keyring

            text = keyring.get_password("vestal", self._account)
        except Exception as error:  # backends raise errors of their own kinds
            trouble = type(error).__name__
        if trouble is not None:
            raise _unusable_keyring(trouble)
        return None if text is None else Secret(text)

    def _tell(self, keys: Sequence[Key]) -> None:
        trouble = None
        try:
            import keyring

            keyring.set_password("vestal", self._account, format_ring(keys))
        except Exception as error:
            trouble = type(error).__name__
        if trouble is not None:
            raise _unusable_keyring(trouble)
        self._cached = tuple(keys)


def _unusable_keyring(trouble: str) -> ConfigError:
    return ConfigError(
        f"the OS keyring can't be used ({trouble})", remedy="pip install 'vestal[keyring]', and unlock the keyring"
    )


class PassphraseKeys:
    """Keys derived from a passphrase with Argon2id (RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes).

    The salts, one a key, are kept in a file beside the store; they are not secret.
    """

    def __init__(self, salts: Path, passphrase: Callable[[], Secret]) -> None:
        self._salts = salts
        self._passphrase = passphrase
        self._derived: dict[str, Key] = {}

    def ring(self, *, fresh: bool = False) -> Sequence[Key]:
        """The key ring. Raises `ConfigError` if the file of salts is missing or broken."""
        if not self.exists():
            raise ConfigError(f"the file of salts {self._salts} is missing", remedy="restore it from a backup")
        salts = self._read()
        if not salts:
            raise ConfigError(f"the file of salts {self._salts} is empty", remedy="restore it from a backup")
        return [self._derive(salt) for salt in salts]

    def exists(self) -> bool:
        """Whether the file of salts is there."""
        return self._salts.exists()

    def add(self) -> None:
        """A key of the same passphrase with a new salt, in front."""
        with _alone(self._salts.parent):
            old = self._read() if self.exists() else []
            write_private(self._salts, "\n".join([secrets.token_hex(_SALT_LENGTH), *old]) + "\n")

    def retire(self, keep: set[bytes]) -> None:
        """Forget the salts of the keys whose ids are not in `keep`."""
        with _alone(self._salts.parent):
            salts = [salt for salt in self._read() if self._derive(salt).id in keep]
            write_private(self._salts, "\n".join(salts) + "\n")

    def _read(self) -> list[str]:
        salts = _read_text(self._salts).split()
        if not all(re.fullmatch(rf"[0-9a-f]{{{2 * _SALT_LENGTH}}}", salt) for salt in salts):
            raise ConfigError(f"the file of salts {self._salts} is damaged", remedy="restore it from a backup")
        return salts

    def _derive(self, salt: str) -> Key:
        if salt not in self._derived:
            from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

            argon = Argon2id(salt=bytes.fromhex(salt), length=KEY_LENGTH, iterations=3, lanes=4, memory_cost=64 * 1024)
            self._derived[salt] = Key.of(argon.derive(self._passphrase().reveal().encode("utf-8", "surrogateescape")))
        return self._derived[salt]


def _alone(folder: Path) -> AbstractContextManager[None]:
    """One process at a time changes the keys of a home: one that overwrites another's key takes what it has sealed along.

    The lease's name can't be a credential's, since it has a blank in it.
    """
    return FileLeases(folder / "locks").lease("key ring", _PATIENCE)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError) as error:
        trouble = error.strerror if isinstance(error, OSError) else "it is not text"
    raise ConfigError(f"{path} can't be read: {trouble}", remedy="check its owner, or restore it from a backup")
