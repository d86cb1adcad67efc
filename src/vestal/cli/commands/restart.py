"""`vestal restart`."""

from __future__ import annotations

from pathlib import Path

import click

from vestal.cli.daemon import listening_options, start_and_tell
from vestal.cli.parameters import duration, json_option


@click.command("restart", short_help="Stop the daemon, and start it again.")
@listening_options
@click.option("--timeout", type=duration, default="30", metavar="DURATION", help="Give it so long. Default: 30s.")
@json_option
def command(
    tcp: tuple[str, int] | None, socket: Path | None, log_level: str | None, timeout: float, as_json: bool
) -> None:
    """Stop the daemon and start it again, with the options that it ran with where none are given.

    Where none runs, one is started.
    """
    from vestal.daemon.process.start import Options
    from vestal.daemon.process.stop import stop
    from vestal.home import default_folder

    home = default_folder()
    stopped = stop(home)
    before = Options() if stopped is None else Options.of(stopped.running)
    options = Options(
        before.socket if socket is None else str(socket), tcp or before.tcp, log_level or before.log_level
    )
    start_and_tell(home, options, timeout, as_json=as_json)
