"""`TokenSource`: the one contract that everything else is built on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from vestal.core.token import Token


@runtime_checkable
class TokenSource(Protocol):
    """Gives a token that works. A credential, a pool and a remote Vestal are all the same type.

    Safe for use by any number of threads and asyncio tasks at once. At most one refresh is under way per version,
    whoever asks; late callers get the winner's token. A caller that gives up stops nothing.
    """

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """A token that works; may block, up to the source's deadline (2 min by default).

        `newer_than`: the version of a token that a service refused (401): a token of a later version is given.
        `min_ttl`: seconds that the token must still be valid for.
        Raises `VestalError`.
        """

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """The same for asyncio: awaits where `token` blocks. Cancelling it stops no refresh."""

    def peek(self) -> Token | None:
        """The token at hand, if it has not expired. Never blocks, does no I/O."""


class StaticSource:
    """A token that never changes: for a personal access token, or a test."""

    def __init__(self, token: Token) -> None:
        self._token = token

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """The token. Raises `NeedsLogin` if it was refused: there is no way to get another."""
        if newer_than is not None and newer_than >= self._token.version:
            from vestal.core.errors import NeedsLogin

            raise NeedsLogin("the service refused this fixed token", remedy="put a new one in its place")
        return self._token

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """As `token`."""
        return self.token(newer_than, min_ttl)

    def peek(self) -> Token | None:
        """The token."""
        return self._token
