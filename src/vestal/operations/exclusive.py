"""Things that only one process may do in a home at a time. Other locks than the leases of credentials."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from vestal.stores.files import make_private_folder
from vestal.stores.leases import FileLeases

if TYPE_CHECKING:
    from vestal.home import Home


def exclusive(home: Home, what: str, timeout: float) -> AbstractContextManager[None]:
    """Hold the lock `what` for a block. Waits up to `timeout` seconds, then raises `TimedOut`."""
    make_private_folder(home.folder)
    make_private_folder(home.folder / "locks")
    return FileLeases(home.folder / "locks" / what).lease(what, timeout)
