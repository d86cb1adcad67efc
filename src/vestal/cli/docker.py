"""The console script `docker-credential-vestal`: Docker runs its helpers by such names, with one word."""

from __future__ import annotations

import sys


def main() -> None:
    """`vestal for docker WORD`."""
    from vestal.cli.__main__ import main as vestal

    sys.argv[1:] = ["for", "docker", *sys.argv[1:]]
    vestal()
