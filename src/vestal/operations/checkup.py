"""What a doctor looks at: the home, its key, its store, each credential. Changes nothing, sends nothing, raises nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vestal.core.credential import State, TokenState
from vestal.core.errors import VestalError
from vestal.operations.found import source_of
from vestal.operations.overview import Seen, look_at_all
from vestal.operations.times import relative, span
from vestal.stores.files import check_private
from vestal.stores.sqlite import MIGRATIONS

if TYPE_CHECKING:
    from vestal.home import Home

CLOCK_ERROR = 300.0
"""Seconds by which times in the store and on the disk may be ahead of the clock."""

LITTLE_SPACE = 16 << 20
"""Bytes free on the disk, below which saving may soon fail."""

SOON = 3 * 86400.0
"""Seconds before a refresh token's end from which it is worth a warning."""

Level = Literal["fine", "note", "warning", "trouble"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    message: str
    remedy: str = ""


def checkup(home: Home) -> Iterator[Finding]:
    """Look at everything, in an order in which the first trouble explains the later ones."""
    yield _versions()
    if not home.folder.exists():
        yield Finding("home", "note", f"{home.folder} is not there yet", "run `vestal init`")
        return
    yield from _safely("home", lambda: _folder(home.folder))
    yield from _safely("key", lambda: _key(home))
    yield from _safely("providers", lambda: _providers(home))
    path = home.folder / "store.db"
    if not path.exists():
        yield Finding("store", "note", "there is no store yet", "run `vestal init` or `vestal add`")
        return
    yield from _safely("store", lambda: _store(home, path))
    yield from _safely("credentials", lambda: _credentials(home))
    yield from _safely("clock", lambda: _clock(home, path))


def _safely(check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """What `look` finds, and as one more finding what it runs into."""
    try:
        yield from look()
        return
    except VestalError as error:
        found = Finding(check, "trouble", error.message, error.remedy)
    except OSError as error:
        found = Finding(check, "trouble", f"{error.filename}: {error.strerror}", "check the disk and permissions")
    except sqlite3.Error as error:
        found = Finding(check, "trouble", f"the store: {error}", "restore it from a backup")
    yield found


def _versions() -> Finding:
    parts = [f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    for package in ("vestal", "cryptography", "httpx2", "joserfc"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"{package} (not installed as a package)")
    import ssl

    return Finding("versions", "fine", ", ".join([*parts, ssl.OPENSSL_VERSION]))


def _folder(folder: Path) -> Iterator[Finding]:
    for path in (folder, *sorted(folder.glob("store.db*")), folder / "key", folder / "salts", folder / "locks"):
        if path.exists():
            check_private(path)
    mode = stat.S_IMODE(folder.stat().st_mode)
    yield Finding("home", "fine", f"{folder} (mode {mode:04o})")
    if not os.access(folder, os.W_OK) or _read_only(folder):
        yield Finding("home", "trouble", "it is read-only: no refreshed token can be saved", "make it writable")
    free = _free(folder)
    if free is not None and free < LITTLE_SPACE:
        yield Finding("home", "warning", f"only {free >> 20} MiB are free on its disk", "free some space")


def _read_only(folder: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _free(folder: Path) -> int | None:
    if not hasattr(os, "statvfs"):
        return None
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _key(home: Home) -> Iterator[Finding]:
    keys = home.keys()
    if not keys.exists() and not (home.folder / "store.db").exists():
        yield Finding("key", "note", "there is no master key yet", "run `vestal init`")
        return
    ring = keys.ring()
    where = source_of(keys)
    older = f", and {len(ring) - 1} older" if len(ring) > 1 else ""
    yield Finding("key", "fine", f"from {where}: {ring[0].id.hex()}{older}")


def _providers(home: Home) -> Iterator[Finding]:
    from vestal.oauth2 import catalogue

    if home.providers_file is None:
        return
    own = catalogue.load_file(home.providers_file)
    yield Finding("providers", "fine", f"{home.providers_file.name}: {len(own)} of your own")


def _store(home: Home, path: Path) -> Iterator[Finding]:
    names = home.store.names()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        schema = db.execute("PRAGMA user_version").fetchone()[0]
        verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        yield Finding("store", "trouble", f"{path.name} is damaged: {verdict}", "restore it from a backup")
        return
    yield Finding("store", "fine", f"{path.name}: schema {schema} of {len(MIGRATIONS)}, credentials: {len(names)}")


def _credentials(home: Home) -> Iterator[Finding]:
    for name, found in look_at_all(home):
        if isinstance(found, VestalError):
            yield Finding(name, "trouble", found.message, found.remedy)
            continue
        level, message, remedy = _credential(found)
        yield Finding(name, level, message, remedy)
        try:
            home.provider_of(found.credential)
        except VestalError as error:
            yield Finding(name, "trouble", error.message, error.remedy)


def _credential(seen: Seen) -> tuple[Level, str, str]:
    credential, name = seen.credential, seen.credential.name
    error = credential.last_error
    login = f"run `vestal login {name}`"
    if credential.intent is not None and seen.interrupted:
        ago = relative(credential.intent.at, seen.now)
        return "warning", f"a refresh was interrupted {ago}", "the next `vestal token` finishes it"
    if seen.state is State.NEEDS_LOGIN:
        why = "nobody has logged in yet" if error is None else f"needs login: {error.message}"
        return "trouble", why, login if error is None else error.remedy or login
    if error is not None:
        told = f"failed {relative(error.at, seen.now)}: {error.message}"
        return "warning" if error.passing else "trouble", told, error.remedy
    ends = credential.refresh_token_expires_at
    if credential.refresh_token and ends is not None and ends - seen.now < SOON:
        if ends <= seen.now:
            return "trouble", "its refresh token has expired", login
        return "warning", f"its refresh token ends {relative(ends, seen.now)}, if it is not refreshed before", login
    if seen.token_state is TokenState.EXPIRED:
        return "note", "its token has expired: nobody asks for it", "the next `vestal token` refreshes it"
    left = None if credential.token is None else credential.token.expires_in(seen.now)
    told = "no token yet: the first caller gets one" if credential.token is None else f"token {seen.token_state.value}"
    return "fine", told + ("" if left is None else f", {span(left)} left"), ""


def _clock(home: Home, path: Path) -> Iterator[Finding]:
    """Nothing that was written can be later than now."""
    now = home.clock.now()
    latest, what = path.stat().st_mtime, path.name
    for name, found in look_at_all(home):
        if isinstance(found, Seen):
            token = found.credential.token
            for at in (found.credential.refreshed_at, None if token is None else token.issued_at):
                if at is not None and at > latest:
                    latest, what = at, name
    if latest > now + CLOCK_ERROR:
        yield Finding(
            "clock",
            "trouble",
            f"the clock is {span(latest - now)} behind the latest time in {what}",
            "set the clock; tokens from the future are refreshed by the next caller",
        )
        return
    yield Finding("clock", "fine", "nothing in the store is from the future")
