"""The memory store keeps the contract, within one process."""

from __future__ import annotations

from pathlib import Path

from vestal.stores.memory import MemoryBackend
from vestal.stores.record import Backend
from vestal.testing.store_contract import StoreContract


class TestMemory(StoreContract):
    def make_backend(self, folder: Path) -> Backend:
        return MemoryBackend()
