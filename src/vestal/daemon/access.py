"""Who may ask the daemon for what: named API keys, and the user's own processes on the Unix socket."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.core.secret import Secret
from vestal.daemon.access_file import AccessFile, KeyRecord

ACTIONS = ("token", "refresh", "admin")
"""`token`: be given tokens. `refresh`: have them refreshed now. `admin`: log in, change, remove.

Looking at what is shown without secrets needs no action, only a pattern that the name fits.
"""

PREFIX = "vestal_"
"""What keys begin with, so that people and scanners for leaked secrets know them."""

FRESH = 1.0
"""Seconds for which the keys are taken from memory: so long, at most, a key that another process revoked still works."""

NOTED = 60.0
"""Seconds between two notes on the disk of when keys were used last."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+-]{0,63}")
_PATTERN = re.compile(r"[A-Za-z0-9._@:+/*?\[\]!-]{1,200}")
_NOBODY = bytes(32)
_log = logging.getLogger("vestal.daemon")


@dataclass(frozen=True, slots=True)
class Grantee:
    """Somebody who may do something. In patterns `*` stands for any text, with slashes in it as well."""

    name: str
    patterns: tuple[str, ...]
    actions: tuple[str, ...]
    key_id: str = field(default="", compare=False)
    """Of their key; empty for those who have none."""

    def sees(self, credential: str) -> bool:
        """Whether a credential of this name is any of their business."""
        return any(pattern == "*" or fnmatchcase(credential, pattern) for pattern in self.patterns)

    def may(self, action: str, credential: str) -> bool:
        """Whether they may do this with a credential of this name."""
        return action in self.actions and self.sees(credential)

    @property
    def sees_all(self) -> bool:
        """Whether all credentials, and numbers over all of them, are their business."""
        return "*" in self.patterns


LOCAL = Grantee("local", ("*",), ACTIONS)
"""A process of the user who runs the daemon, on the Unix socket: it could read the home itself."""


@dataclass(frozen=True, slots=True)
class _Known:
    hash: bytes
    grantee: Grantee


@dataclass(slots=True)
class _Snapshot:
    keys: Mapping[str, _Known] = field(default_factory=dict)
    until: float = float("-inf")
    """By the steady clock."""


class Access:
    """The keys of one home. Safe for use from any thread; several processes may share the file.

    A key has 256 random bits, so that its plain SHA-256 gives nothing away; it is compared in constant time.
    """

    def __init__(self, folder: Path, *, clock: Clock | None = None, fresh: float = FRESH) -> None:
        """`folder`: the home's. `fresh`: seconds for which the keys are taken from memory."""
        self._file = AccessFile(folder / "daemon.db")
        self._clock = clock or SystemClock()
        self._fresh = fresh
        self._lock = threading.Lock()
        self._snapshot = _Snapshot()
        self._used: dict[str, float] = {}
        self._noted = self._clock.steady()

    def add(self, name: str, patterns: Sequence[str], actions: Sequence[str]) -> Secret:
        """Make a key, and give it out for the only time. Raises `ConfigError`."""
        if not _NAME.fullmatch(name) or name == LOCAL.name:
            raise ConfigError(
                f"{name[:40]!r} can't name a key", remedy="use letters, digits and ._@:+-, 64 characters at most"
            )
        for pattern in patterns:
            if not _PATTERN.fullmatch(pattern):
                raise ConfigError(
                    f"{pattern[:40]!r} fits no credential",
                    remedy="write a credential's name, with * for any text in it",
                )
        unknown = sorted(set(actions) - set(ACTIONS))
        if unknown or not patterns:
            what = f"there is no action {unknown[0][:40]!r}" if unknown else "the key would be good for nothing"
            raise ConfigError(what, remedy=f"actions are {', '.join(ACTIONS)}; name at least one pattern, such as '*'")
        id = secrets.token_hex(4)
        key = Secret(f"{PREFIX}{id}_{secrets.token_urlsafe(32)}")
        record = KeyRecord(name, id, _hash(key), tuple(patterns), tuple(dict.fromkeys(actions)), self._clock.now())
        if not self._file.insert(record):
            raise ConfigError(
                f"there is a key {name} already", remedy=f"choose another name, or `vestal key revoke {name}` first"
            )
        self._forget()
        return key

    def list(self) -> list[KeyRecord]:
        """All keys, by name; what is kept of them."""
        self.flush()
        return self._file.all()

    def revoke(self, name: str) -> None:
        """Make a key useless: here at once, in other processes within `FRESH` seconds. Raises `ConfigError`."""
        if not self._file.delete(name):
            raise ConfigError(f"there is no key {name[:64]!r}", remedy="`vestal key list` shows all")
        self._forget()

    def check(self, key: Secret) -> Grantee | None:
        """Whose key it is; None if it is nobody's. Reads the file if what is in memory is not fresh any more."""
        if self.stale:
            self.reload()
        id = key.reveal()[len(PREFIX) : len(PREFIX) + 8]
        known = self._snapshot.keys.get(id)
        if not hmac.compare_digest(_hash(key), _NOBODY if known is None else known.hash) or known is None:
            return None
        self._used[id] = self._clock.now()
        return known.grantee

    def holds(self, grantee: Grantee) -> bool:
        """Whether somebody's key was not revoked since they came with it. Reads the file as `check` does."""
        if not grantee.key_id:
            return True
        if self.stale:
            self.reload()
        return grantee.key_id in self._snapshot.keys

    @property
    def stale(self) -> bool:
        """Whether the next look reads the file."""
        return self._clock.steady() >= self._snapshot.until

    def reload(self) -> None:
        """Read the file, and note there which keys were used. Raises `StoreUnavailable` and `ConfigError`."""
        with self._lock:
            if not self.stale:
                return  # somebody else has just done it
            began = self._clock.steady()
            if began - self._noted >= NOTED:
                self._note()
            keys = {
                key.id: _Known(key.hash, Grantee(key.name, key.patterns, key.actions, key.id))
                for key in self._file.all()
            }
            self._snapshot = _Snapshot(keys, began + self._fresh)

    def flush(self) -> None:
        """Note now when keys were used last."""
        with self._lock:
            self._note()

    def close(self) -> None:
        """Note what is to be noted, and close the file."""
        self.flush()
        self._file.close()

    def _note(self) -> None:
        used, self._used = self._used, {}
        self._noted = self._clock.steady()
        if not used:
            return
        try:
            self._file.used(used)
        except StoreUnavailable as error:  # a full disk must not keep people out
            _log.warning("the last use of keys is not noted: %s", error)
            self._used = {**used, **self._used}

    def _forget(self) -> None:
        with self._lock:
            self._snapshot = _Snapshot()


def _hash(key: Secret) -> bytes:
    return hashlib.sha256(key.reveal().encode("utf-8", "surrogatepass")).digest()
