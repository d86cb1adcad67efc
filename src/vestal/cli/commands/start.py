"""`vestal start`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.daemon import check_reachable, daemon_options, passphrase_for, start_and_tell
from vestal.cli.parameters import duration, json_option

if TYPE_CHECKING:
    from vestal.daemon.process.start import Options


@click.command("start", short_help="Start the daemon in the background.")
@daemon_options
@click.option("--timeout", type=duration, default="30", metavar="DURATION", help="Give it so long. Default: 30s.")
@json_option
def command(options: Options, timeout: float, as_json: bool) -> None:
    """Start the daemon in the background, and wait until it answers.

    It outlives the terminal. Its log is shown by `vestal logs`. Where it does not start, the end of its log says why.
    """
    from vestal.daemon.process.pid_file import PidFile, already_running
    from vestal.home import default_folder

    home = default_folder()
    check_reachable(home)
    running = PidFile(home).running()
    if running is not None:  # before a person is asked for a passphrase
        raise already_running(running)
    start_and_tell(home, options, timeout, passphrase_for(home), as_json=as_json)
