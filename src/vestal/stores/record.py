"""`Record` and `Backend`: what a database driver sees of a credential, and what it has to do.

A backend knows nothing of credentials: it keeps a name, two counters, readable JSON and a sealed blob. `SealedStore`
makes a `vestal.core.store.Store` of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from vestal.core.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Record:
    """A credential as a backend keeps it."""

    name: str
    revision: int
    """Counts the writes. `put` succeeds only as the successor of what is stored."""
    version: int
    """Counts the tokens; never goes back."""
    public: str
    """JSON: what is not secret, readable for people with a database client."""
    sealed: bytes
    """The secrets: key id, nonce, ciphertext."""


class Backend(Protocol):
    """Keeps records and leases. Safe for use from any thread and process.

    Raises `StoreUnavailable` for passing trouble and `ConfigError` for what a person must mend.
    """

    def get(self, name: str) -> Record | None:
        """The record, or None."""

    def put(self, record: Record) -> bool:
        """Store it if the stored revision is `record.revision - 1` (none stored: 0) and the version does not go back.

        Durable on return. False, and nothing changed, otherwise.
        """

    def delete(self, name: str) -> bool:
        """Remove it; False if there was none."""

    def names(self) -> list[str]:
        """All names, sorted."""

    def records(self) -> Iterator[Record]:
        """All records, by name."""

    def lease(self, name: str, timeout: float) -> AbstractContextManager[None]:
        """See `vestal.core.store.Store.lease`."""

    def leased(self, name: str) -> bool:
        """See `vestal.core.store.Store.leased`."""

    @property
    def ledger(self) -> Ledger:
        """See `vestal.core.store.Store.ledger`. Always the same one; `close` closes it as well."""

    def close(self) -> None:
        """Release connections."""
