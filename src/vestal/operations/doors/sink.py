"""A token file that is kept fresh."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vestal.core.errors import ConfigError, StoreUnavailable, VestalError
from vestal.core.margins import margins
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.operations.doors.bearer import bearer

if TYPE_CHECKING:
    from vestal.home import Home

PERIOD = 30.0
"""Seconds between two looks at most: somebody else may have replaced the token."""

SHORTEST = 1.0
"""Seconds between two looks at least."""

TRY_AGAIN = 5.0
"""Seconds at least after a failure that passes."""


class Sink:
    """Keeps the token of `name` in the file `path`, in the words of `write`."""

    def __init__(self, home: Home, name: str, path: Path, write: Callable[[Token, str], Secret]) -> None:
        self._home = home
        self._name = name
        self._path = path
        self._write = write
        self._written: Token | None = None

    def once(self) -> float:
        """See that the file has a token that works; the seconds until it is to be looked at again. Raises `VestalError`."""
        token = bearer(self._home, self._name)
        if self._written is None or token.access_token != self._written.access_token or not self._path.exists():
            replace_file(self._path, self._write(token, self._name))
            self._written = token
        hard_at = margins(token).hard_at
        left = PERIOD if hard_at is None else hard_at - self._home.clock.now()
        return min(max(left, SHORTEST), PERIOD)

    def run(self, wait: Callable[[float], bool], tell: Callable[[VestalError], None]) -> None:
        """Go on until `wait(seconds)` says so. What fails is told once, and tried again: the file stays as it is.

        Raises the `ConfigError` that the first look ends in.
        """
        told = ""
        while True:
            trouble: VestalError | None = None
            try:
                pause, told = self.once(), ""
            except VestalError as error:
                trouble = error.copy()
            if trouble is not None:
                if isinstance(trouble, ConfigError) and self._written is None:
                    raise trouble
                if trouble.message != told:
                    tell(trouble)
                told = trouble.message
                pause = min(max(trouble.retry_after or 0.0, TRY_AGAIN), PERIOD) if trouble.passing else PERIOD
            if wait(pause):
                return


def replace_file(path: Path, text: Secret) -> None:
    """Replace a file by one of mode 0600 at once: whoever reads it gets the old one or the new one, whole.

    Raises `ConfigError` where there is no folder, and `StoreUnavailable`.
    """
    if not path.parent.is_dir() or path.is_dir():
        raise ConfigError(f"{path} can't be a file", remedy="name a file in a folder that is there")
    trouble: str | None
    made: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp makes it 0600
        made = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(text.reveal().encode())
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
        return
    except OSError as error:
        trouble = error.strerror
        if made is not None:
            with suppress(OSError):
                made.unlink()
    raise StoreUnavailable(f"{path} can't be written: {trouble}", remedy="check free space and permissions")
