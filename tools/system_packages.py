"""Install the programs that tests drive and the machine lacks: shells, curl, git, docker's client, nginx, a browser.

As root with apt-get only; anywhere else it says what is missing, and the tests that need it say so too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = {
    "bash": ("bash",),
    "chromium": ("chromium",),
    "curl": ("curl",),
    "docker": ("docker-cli", "docker.io"),
    "fish": ("fish",),
    "git": ("git",),
    "nginx": ("nginx",),
    "systemd-analyze": ("systemd",),
    "zsh": ("zsh",),
}
"""What Debian's package of a program is called: the first that there is."""

PLACES = "/usr/sbin:/sbin"
"""Where programs are as well that a user's PATH may leave out."""

POLICY = Path("/usr/sbin/policy-rc.d")
"""Asked before a package's service is started: 101 says no
(https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt)."""


def main() -> None:
    """Install what is missing."""
    path = f"{os.environ.get('PATH', os.defpath)}:{PLACES}"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        print(f"missing, and not installed for you: {', '.join(missing)}", flush=True)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "update", "-qq"], check=True, env=environment)
    packages = [package_of(name) for name in missing]
    print(f"installing {', '.join(packages)}", flush=True)
    with no_services():
        subprocess.run([apt, "install", "-qq", "-y", "--no-install-recommends", *packages], check=True, env=environment)


def package_of(program: str) -> str:
    """The first package of a program that apt knows; the last one if it knows none."""
    *others, last = PROGRAMS[program]
    for package in others:
        if subprocess.run(["apt-cache", "show", package], capture_output=True).returncode == 0:
            return package
    return last


@contextmanager
def no_services() -> Iterator[None]:
    """The tests start what they need by themselves: no nginx at port 80 and no dockerd come with their packages."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
