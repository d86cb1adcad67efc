"""The real programs: where they are, and what to do where one is not."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

SYSTEM = "/usr/sbin:/sbin"
"""Where programs are as well that a user's PATH may leave out."""


def find(program: str) -> str | None:
    """A program: beside this Python, where the development dependencies put theirs, or else in the PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(program, path=f"{beside}:{os.environ.get('PATH', os.defpath)}:{SYSTEM}")


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where there is no such program, and `make programs` could not have installed it."""
    lacks = find(program) is None
    can = os.geteuid() == 0 and shutil.which("apt-get") is not None
    return pytest.mark.skipif(lacks and not can, reason=f"there is no {program}")
