"""`vestal restart`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.daemon import daemon_options, start_and_tell
from vestal.cli.parameters import duration, json_option

if TYPE_CHECKING:
    from vestal.daemon.process.start import Options


@click.command("restart", short_help="Stop the daemon, and start it again.")
@daemon_options
@click.option("--timeout", type=duration, default="30", metavar="DURATION", help="Give it so long. Default: 30s.")
@json_option
def command(options: Options, timeout: float, as_json: bool) -> None:
    """Stop the daemon and start it again, with the options that it ran with where none are given.

    Where none runs, one is started.
    """
    from vestal.daemon.process.start import Options
    from vestal.daemon.process.stop import stop
    from vestal.home import default_folder

    home = default_folder()
    stopped = stop(home)
    if stopped is not None:
        options = options.over(Options.of(stopped.running))
    start_and_tell(home, options, timeout, as_json=as_json)
