"""Disks that are full or read-only, for real: small file systems as root, else what the kernel offers to others."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Disk:
    """A folder to make a home in, and how to spoil and mend its disk."""

    folder: Path
    spoil: Callable[[], None]
    mend: Callable[[], None]
    before: Callable[[], None] | None = None
    """To be run in the child before the command, where the disk itself can't be spoilt."""


@contextmanager
def read_only(path: Path) -> Iterator[Disk]:
    """A disk that becomes read-only."""
    if _mount(path, "size=2m"):
        yield Disk(path, lambda: _remount(path, "ro"), lambda: _remount(path, "rw"))
        _unmount(path)
        return
    home = path / "home"

    def change(mode: int) -> None:
        for each in [*home.rglob("*"), home]:
            each.chmod(mode if each.is_dir() else mode & 0o600)

    yield Disk(path, lambda: change(0o500), lambda: change(0o700), _heed_permissions if os.geteuid() == 0 else None)
    change(0o700)


@contextmanager
def full(path: Path) -> Iterator[Disk]:
    """A disk on which nothing more can be written."""
    if _mount(path, "size=1m"):
        filler = path / "filler"

        def fill() -> None:
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(b"\0" * 4096):
                        pass
                except OSError:
                    pass

        yield Disk(path, fill, filler.unlink)
        _unmount(path)
        return
    limits: list[int] = []

    def limit() -> None:
        if limits:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limits[0], limits[0]))

    yield Disk(path, lambda: limits.append(0), limits.clear, limit)


def _heed_permissions() -> None:
    """In the child, for root where mounts are refused: give up the right to write to what is read-only, for good."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2  # linux/prctl.h, linux/capability.h
    for capability in (dac_override, dac_read_search):
        if prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


def _mount(path: Path, options: str) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"{options},mode=0700", "none", str(path)]
    return subprocess.run(command, capture_output=True).returncode == 0


def _remount(path: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(path)], check=True)


def _unmount(path: Path) -> None:
    subprocess.run(["umount", "-l", str(path)], check=True)
