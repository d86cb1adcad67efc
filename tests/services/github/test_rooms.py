"""What programs import from `vestal.services.github`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vestal.services import github

HEAVY = ("httpx2", "github", "requests", "cryptography", "joserfc", "pyarrow", "rich")


@pytest.mark.parametrize("name", github.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(github, name).__name__ == name
    assert name in dir(github)


def test_no_other_name_is() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = github.Nothing


@pytest.mark.parametrize("module", ["vestal.services.github", "vestal.services.github.pool"])
def test_nothing_heavy_is_imported_before_it_is_needed(module: str) -> None:
    program = f"import sys, {module}; print(*(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
