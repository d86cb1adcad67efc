"""`Store`: where credentials and leases live. The contract that the lifecycle relies on and every store keeps.

`vestal.testing.store_contract` is this page as tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from vestal.core.credential import Credential
from vestal.core.ledger import Ledger


class Store(Protocol):
    """Keeps credentials. Safe to use from any thread and process; every method may block on I/O.

    Every method raises `StoreUnavailable` for passing trouble (locked, full, unreachable) and `ConfigError` for trouble
    that a person must mend (permissions, a wrong key, a store of a newer version).
    """

    def load(self, name: str) -> Credential | None:
        """The credential as last saved, or None."""

    def save(self, credential: Credential) -> Credential:
        """Save if the stored revision still equals `credential.revision` (0: if there is none); durable on return.

        Returns it with the new revision. Raises `Conflict` and changes nothing if the stored one has moved on, or if the
        token version would go back.
        """

    def delete(self, name: str) -> bool:
        """Remove it; False if there was none."""

    def names(self) -> list[str]:
        """The names of all credentials, sorted."""

    def iterate(self) -> Iterator[Credential]:
        """All credentials, by name."""

    def lease(self, name: str, timeout: float) -> AbstractContextManager[None]:
        """The right to refresh `name`, held by one worker until the block ends or its process dies.

        Waits up to `timeout` seconds (0: not at all), then raises `TimedOut`. A lease alone does not fence a worker that
        comes late: compare-and-set in `save` does. Nobody takes a second lease while holding one.
        """

    def leased(self, name: str) -> bool:
        """Whether somebody holds the lease now. For show: it may be out of date as soon as it is told."""

    @property
    def ledger(self) -> Ledger:
        """Small values that many workers change at once, shared by all who share the store. They are not sealed."""

    def close(self) -> None:
        """Release connections. The store can't be used after it."""
