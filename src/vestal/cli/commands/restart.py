"""`vestal restart`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.daemon import (
    check_reachable,
    check_startable,
    daemon_options,
    described,
    passphrase_for,
    start_and_tell,
)
from vestal.cli.parameters import duration, json_option

if TYPE_CHECKING:
    from vestal.daemon.process.start import Options


@click.command("restart", short_help="Stop the daemon, and start it again.")
@daemon_options
@click.option("--timeout", type=duration, default="30", metavar="DURATION", help="Give it so long. Default: 30s.")
@json_option
def command(options: Options, timeout: float, as_json: bool) -> None:
    """Stop the daemon and start it again, with the options that it ran with where none are given.

    Where none runs, one is started; in the place of one that was killed or has crashed, with its options. What would keep
    the new one from starting is looked for first; if something would, the one that runs goes on.
    """
    from vestal.cli.output import note
    from vestal.core.errors import VestalError
    from vestal.daemon.process.pid_file import PidFile
    from vestal.daemon.process.start import Options
    from vestal.daemon.process.stop import stop
    from vestal.home import default_folder

    home = default_folder()
    check_reachable(home)
    pid_file = PidFile(home)
    running = pid_file.running()
    before = running or pid_file.read()  # one that ended in order has taken its file along
    if before is not None:
        options = options.over(Options.of(before))
    passphrase = passphrase_for(home)
    if running is not None:
        try:
            check_startable(home, options, running, passphrase)
        except VestalError:
            if not as_json:
                note(f"the daemon was not stopped: {described(running)} goes on")
            raise
    stopped = stop(home)
    try:
        start_and_tell(home, options, timeout, passphrase, as_json=as_json)
    except VestalError:
        if stopped is not None and not as_json:
            note(f"the one that ran, {described(stopped.running)}, has been stopped")
        raise
