"""Leases in lock files: what the store contract does not see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vestal.core.errors import StoreUnavailable, TimedOut
from vestal.stores.leases import FileLeases


def colliding(leases: FileLeases) -> tuple[str, str]:
    """Two names whose leases share a file."""
    first = leases._path("a")
    return "a", next(name for number in range(10_000) if leases._path(name := f"b{number}") == first)


def test_names_that_share_a_file_wait_for_each_other(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path / "locks")
    one, other = colliding(leases)
    with leases.lease(one, 0):
        with pytest.raises(TimedOut) as caught, leases.lease(other, 0):
            pass
        assert caught.value.credential == other
    with leases.lease(other, 0):
        assert leases.leased(one)
    assert not leases.leased(one)


def test_lock_files_are_private_and_stay(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path / "locks")
    umask = os.umask(0)
    try:
        with leases.lease("a", 0):
            [file] = (tmp_path / "locks").iterdir()
            inode = file.stat().st_ino
    finally:
        os.umask(umask)
    with pytest.raises(LookupError), leases.lease("a", 0):
        raise LookupError
    assert not leases.leased("a")
    with leases.lease("a", 0):
        pass
    assert [each.stat().st_ino for each in (tmp_path / "locks").iterdir()] == [inode]
    assert file.stat().st_mode & 0o777 == 0o600


def test_asking_makes_nothing(tmp_path: Path) -> None:
    assert not FileLeases(tmp_path / "locks").leased("a")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_is_none(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path / "locks")
    leases._path("a").mkdir(parents=True)
    (tmp_path / "locks").chmod(0o700)
    with pytest.raises(StoreUnavailable, match="can't be used") as caught, leases.lease("a", 0):
        pass
    assert caught.value.credential == "a"
