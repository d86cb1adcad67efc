"""A token for a program that can only repeat it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError
from vestal.core.token import Token
from vestal.operations.ask import ask

if TYPE_CHECKING:
    from vestal.home import Home


def bearer(home: Home, name: str, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
    """A token that works, for its bearer. Raises `VestalError`.

    `ConfigError` for one that is bound to a key (DPoP), and for one that holds what no bearer token may hold
    (RFC 6750, 2.1; RFC 6749, A.12): a line break in it would be a line of somebody else's choice in a program's protocol.
    """
    token = ask(home, name, newer_than, min_ttl)
    if token.scheme != "Bearer":
        raise ConfigError(
            "its tokens are bound to a key, which other programs can't prove",
            credential=name,
            remedy="send their requests through the daemon's /proxy",
        )
    if not all("!" <= character <= "~" for character in token.access_token.reveal()):
        raise ConfigError(
            "its token holds characters that no bearer token may hold", credential=name, remedy="check the provider"
        )
    return token


def variable(name: str) -> str:
    """The environment variable for a credential's token: its name in capitals, with _TOKEN behind it."""
    text = re.sub(r"[^A-Z0-9]", "_", name.upper()) + "_TOKEN"
    return f"_{text}" if text[0].isdigit() else text
