"""`vestal systemd`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vestal.cli.daemon import daemon_options

if TYPE_CHECKING:
    from vestal.daemon.process.start import Options


@click.command("systemd", short_help="Print a systemd unit that runs the daemon.")
@daemon_options
def command(options: Options) -> None:
    """Print a unit of systemd's user manager that runs the daemon with few rights, with this home and these options.

    vestal systemd > ~/.config/systemd/user/vestal.service
    """
    from vestal.cli.output import note
    from vestal.daemon.process.systemd import unit
    from vestal.home import default_folder
    from vestal.runtime import socket_path

    home = default_folder()
    environment = {"VESTAL_HOME": str(home)}
    if os.environ.get("VESTAL_RUNTIME_DIR"):
        environment["VESTAL_RUNTIME_DIR"] = str(Path(os.environ["VESTAL_RUNTIME_DIR"]).expanduser().absolute())
    listens = (Path(options.socket) if options.socket else socket_path(home)).parent
    writable = [home] if listens.is_relative_to(home) else [home, listens if listens.exists() else listens.parent]
    if not home.exists():
        note(f"{home} has to be there before the unit starts: `vestal init` makes it")
    command = [sys.executable, "-m", "vestal", "serve", *options.arguments()]
    print(unit(command, environment, writable), end="")
