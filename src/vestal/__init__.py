"""Vestal keeps API tokens alive: ask for a token by name, and get one that works.

>>> import vestal
>>> token = vestal.source("spotify").token()          # doctest: +SKIP
>>> token.authorization                                # doctest: +SKIP
'Bearer BQD...'

`source(name)` gives a `TokenSource`, to be shared by all threads and tasks; the hooks in `vestal.hooks` put its tokens on
the requests of common HTTP clients. `connect()` gives the same from a running daemon.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from vestal.core import errors
from vestal.core.errors import Category, NeedsLogin, Unavailable, VestalError
from vestal.core.secret import Secret
from vestal.core.source import StaticSource, TokenSource
from vestal.core.token import Token

if TYPE_CHECKING:
    from vestal.client.connection import Client
    from vestal.core.refreshing import RefreshingSource
    from vestal.home import Home

__all__ = [
    "Category",
    "Home",
    "NeedsLogin",
    "Secret",
    "StaticSource",
    "Token",
    "TokenSource",
    "Unavailable",
    "VestalError",
    "connect",
    "errors",
    "source",
    "token",
]
__version__ = "0.1.0"

_lock = threading.Lock()
_default: Home | None = None


def _home() -> Home:
    """The default home of this process: `$VESTAL_HOME`, or the platform's folder for user data."""
    global _default
    with _lock:
        if _default is None:
            from vestal.home import Home

            _default = Home()
        return _default


def source(name: str) -> RefreshingSource:
    """The token source of a credential in the default home. Raises `ConfigError` for an impossible name."""
    return _home().source(name)


def token(name: str, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
    """A token that works, of a credential in the default home. May block; raises `VestalError`."""
    return source(name).token(newer_than, min_ttl)


def connect(address: str | None = None, key: Secret | str | None = None) -> Client:
    """The credentials of a running daemon: `connect().source("spotify")` is a `TokenSource` like any other.

    `address`: the path of its socket, or `http://127.0.0.1:8378`; by default $VESTAL_ADDRESS, or the socket of the default
    home. `key`: an API key, which TCP needs; by default $VESTAL_API_KEY. Nothing is sent before the first token is asked
    for. Raises `ConfigError` for an address that can't be one.
    """
    from vestal.client import connection

    return connection.connect(address, key)


def __getattr__(name: str) -> object:
    if name == "Home":
        from vestal.home import Home

        return Home
    raise AttributeError(f"module 'vestal' has no attribute {name!r}")
