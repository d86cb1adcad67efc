"""Install the programs that tests drive and the machine lacks: shells whose completion is checked, curl and git.

As root with apt-get only; anywhere else it says what is missing, and the tests that need it say so too.
"""

from __future__ import annotations

import os
import shutil
import subprocess

PROGRAMS = ("bash", "curl", "fish", "git", "zsh")


def main() -> None:
    """Install what is missing."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        print(f"missing, and not installed for you: {', '.join(missing)}", flush=True)
        return
    print(f"installing {', '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "update", "-qq"], check=True, env=environment)
    subprocess.run([apt, "install", "-qq", "-y", "--no-install-recommends", *missing], check=True, env=environment)


if __name__ == "__main__":
    main()
