"""`vestal start`."""

from __future__ import annotations

from pathlib import Path

import click

from vestal.cli.daemon import listening_options, start_and_tell
from vestal.cli.parameters import duration, json_option


@click.command("start", short_help="Start the daemon in the background.")
@listening_options
@click.option("--timeout", type=duration, default="30", metavar="DURATION", help="Give it so long. Default: 30s.")
@json_option
def command(
    tcp: tuple[str, int] | None, socket: Path | None, log_level: str | None, timeout: float, as_json: bool
) -> None:
    """Start the daemon in the background, and wait until it answers.

    It outlives the terminal. Its log is shown by `vestal logs`. Where it does not start, the end of its log says why.
    """
    from vestal.daemon.process.start import Options
    from vestal.home import default_folder

    options = Options(None if socket is None else str(socket), tcp, log_level or "info")
    start_and_tell(default_folder(), options, timeout, as_json=as_json)
