"""A new master key, while everything goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vestal.core.lifecycle import LEASE_TIMEOUT
from vestal.operations.exclusive import exclusive

if TYPE_CHECKING:
    from vestal.home import Home


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did."""

    key: str
    """The id of the key that seals now."""
    resealed: int
    """Records that were sealed again with it."""
    kept: tuple[str, ...]
    """Ids of older keys that are kept."""
    forgotten: tuple[str, ...]
    """Ids of keys that are gone."""


def rotate_key(home: Home, *, reseal_only: bool = False) -> Rotation:
    """Put a new key in front, seal every record with it, and forget the keys from before the last one.

    The last one is kept until the next rotation: a worker may have read the ring just before and seal with it just after.
    Each record is sealed again under its lease; refreshes wait for a moment, and nobody fails. With `reseal_only` no key
    is made or forgotten: for keys that people keep themselves. One rotation runs at a time; others wait.
    Raises `ConfigError`, and what the store raises; the old keys stay until every record is sealed with the new one.
    """
    store = home.store
    with exclusive(home, "rotate-key", LEASE_TIMEOUT):
        if not reseal_only:
            store.keys.add()
        resealed = store.reseal(LEASE_TIMEOUT)
        while not reseal_only and (late := store.reseal(LEASE_TIMEOUT)):  # saved with the old key meanwhile
            resealed += late
        ring = [key.id for key in store.keys.ring()]
        if not reseal_only and len(ring) > 2:
            store.keys.retire(set(ring[:2]))
        left = [key.id for key in store.keys.ring()]
    return Rotation(
        key=ring[0].hex(),
        resealed=resealed,
        kept=tuple(key.hex() for key in left[1:]),
        forgotten=tuple(key.hex() for key in ring if key not in left),
    )
