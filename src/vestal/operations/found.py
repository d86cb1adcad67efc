"""Founding a home: folder, master key, store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.stores.files import make_private_folder, write_private

if TYPE_CHECKING:
    from vestal.home import Home
    from vestal.stores.keys import KeySource


def found(home: Home, key: str | None = None) -> bool:
    """See that the home is there and works; whether it had to be made. `key`: where its master key is to come from.

    Raises `ConfigError`, and changes nothing, if there is a store already whose key is elsewhere, or missing.
    """
    make_private_folder(home.folder)
    there = (home.folder / "store.db").exists()
    keys = home.keys()
    if key is not None and key != source_of(keys):
        if there or keys.exists():
            raise ConfigError(
                f"the master key of {home.folder} comes from {source_of(keys)}",
                remedy="to change that, `vestal export`, make another home, and `vestal import` there",
            )
        write_private(home.folder / "config.toml", f'[key]\nsource = "{key}"\n')
    for name in home.store.names():
        home.store.load(name)  # does the key fit?
        break
    home.store.keys.ring()
    return not there


def source_of(keys: KeySource) -> str:
    """The word of config.toml for where keys come from."""
    return type(keys).__name__.removesuffix("Keys").lower()
