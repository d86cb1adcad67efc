"""Whether the master key at hand is the one that a home's store was made with: told at the start, not at a first request."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.stores.keys import PassphraseKeys
from vestal.stores.sealing import key_id

if TYPE_CHECKING:
    from vestal.home import Home

LOOKED_AT = 100
"""Records. One that nobody can unseal must not keep the rest from being served; as many as that mean another key."""


def check_key(home: Home) -> None:
    """Raise `ConfigError` if there is no master key, or one that has sealed nothing of what is in the store.

    Everything sealed begins with the id of its key, so nothing is unsealed for it. In an empty store any key will do. Raises
    as `Home.store` as well, and `StoreUnavailable`.
    """
    store = home.store
    at_hand = {key.id for key in store.keys.ring()}  # the store's own: a passphrase is asked for, and stretched, once
    sealed_by = [key_id(record.sealed) for record in islice(store.backend.records(), LOOKED_AT)]
    if not sealed_by or not at_hand.isdisjoint(sealed_by):
        return
    if isinstance(store.keys, PassphraseKeys):
        raise ConfigError(
            f"the passphrase does not open the store in {home.folder}", remedy="give the one that it was made with"
        )
    raise ConfigError(
        f"the master key does not open the store in {home.folder}", remedy="put back the key that it was made with"
    )
