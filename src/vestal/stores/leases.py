"""Leases on one machine: file locks that the kernel releases when their holder dies.

The lock files are a fixed set, chosen by a hash of the credential's name, and never unlinked: a file lock whose file is
unlinked on release is not exclusive. Two names that share a file only wait for each other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vestal.core.errors import StoreUnavailable, TimedOut
from vestal.stores.files import make_private_folder

if TYPE_CHECKING:
    from filelock import BaseFileLock

FILES = 256
"""How many lock files there are. It must be the same for all versions of Vestal that share a home."""

POLL = 0.02
"""Seconds between two looks at a lock that somebody holds."""


class FileLeases:
    """The leases of one home."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def lease(self, name: str, timeout: float) -> Iterator[None]:
        """See `Store.lease`."""
        lock = self._lock(name)
        self._acquire(lock, name, timeout)
        try:
            yield
        finally:
            lock.release()

    def leased(self, name: str) -> bool:
        """See `Store.leased`."""
        if not self._path(name).exists():
            return False
        lock = self._lock(name)
        try:
            self._acquire(lock, name, 0)
        except TimedOut:
            return True
        lock.release()
        return False

    def _path(self, name: str) -> Path:
        return self._folder / f"{zlib.crc32(name.encode()) % FILES:03d}.lock"

    def _lock(self, name: str) -> BaseFileLock:
        from filelock import FileLock

        make_private_folder(self._folder)
        # A fallback to a lock that the kernel does not release would outlive a killed holder.
        return FileLock(
            self._path(name), mode=0o600, thread_local=False, fallback_to_soft=False, preserve_lock_file=True
        )

    def _acquire(self, lock: BaseFileLock, name: str, timeout: float) -> None:
        from filelock import Timeout

        trouble = ""
        try:
            lock.acquire(timeout=timeout, poll_interval=POLL)
        except Timeout:
            pass
        except (OSError, NotImplementedError) as error:
            trouble = str(error.strerror if isinstance(error, OSError) else error)
        else:
            return
        if trouble:
            raise StoreUnavailable(
                f"the lock file {self._path(name)} can't be used: {trouble}", credential=name, remedy="check its folder"
            )
        raise TimedOut(
            f"another worker has held the lease for {timeout:g} s", credential=name, remedy="wait, then try again"
        )
