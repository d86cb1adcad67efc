"""Files that only their owner may read: made so, and refused if they are not so."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from vestal.core.errors import ConfigError, StoreUnavailable


def make_private_folder(folder: Path) -> None:
    """Make `folder` (and its parents) with mode 0700 if it is not there; refuse one that others can open."""
    try:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):  # mkdir(parents=True) would give the parents the mode that the umask says
            each.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(exist_ok=True)  # refuses a file
    except FileExistsError:
        raise ConfigError(f"{folder} is not a folder", remedy="name another one in VESTAL_HOME") from None
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} can't be made: {error.strerror}", remedy="name another one in VESTAL_HOME"
        ) from None
    if os.name == "posix" and _is_empty(folder) and folder.stat().st_uid == os.geteuid():
        folder.chmod(0o700)  # ours and empty: somebody ran a plain mkdir
    check_private(folder)


def _is_empty(folder: Path) -> bool:
    with suppress(OSError), os.scandir(folder) as entries:
        return next(entries, None) is None
    return False


def check_private(path: Path) -> None:
    """Raise `ConfigError` if anybody but the owner may read `path`, or if it is somebody else's."""
    if os.name != "posix":
        return  # elsewhere the user's profile folder is private by its access list
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigError(f"{path} can't be looked at: {error.strerror}", remedy="check the folders above it") from None
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise ConfigError(f"{path} can be read by others (mode {mode:04o})", remedy=_remedy(path, status))
    if os.geteuid() not in (0, status.st_uid):
        raise ConfigError(f"{path} belongs to another user", remedy="name a folder of your own in VESTAL_HOME")


def _remedy(path: Path, status: os.stat_result) -> str:
    """How to keep others out of it. Whoever does as we say to /tmp or /etc has no machine to work with any more."""
    if not stat.S_ISDIR(status.st_mode):
        return f"chmod 600 {path}"
    if status.st_mode & (stat.S_ISVTX | stat.S_IWOTH) or status.st_uid != os.geteuid():
        return "name a folder that is for Vestal alone"
    return f"chmod 700 {path}, if it is for Vestal alone; else name another folder"


def write_private(path: Path, text: str) -> None:
    """Replace a file by one of mode 0600, so that a crash leaves the old one or the new one, whole."""
    made: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp makes it 0600
        made = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
        made = None
        _sync_folder(path.parent)
        return
    except OSError as error:
        trouble = error.strerror
    finally:
        if made is not None:
            with suppress(OSError):
                made.unlink()
    raise StoreUnavailable(f"{path} can't be written: {trouble}", remedy="check free space and permissions")


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # some file systems can't sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
