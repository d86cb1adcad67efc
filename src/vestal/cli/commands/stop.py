"""`vestal stop`."""

from __future__ import annotations

import click

from vestal.cli.parameters import duration, json_option


@click.command("stop", short_help="Stop the daemon.")
@click.option("--timeout", type=duration, default="60", metavar="DURATION", help="Kill it after so long. Default: 60s.")
@json_option
def command(timeout: float, as_json: bool) -> None:
    """Stop the daemon: let it finish what it has begun, and kill it where that takes too long.

    Where none runs, nothing is done, and all is well.
    """
    from vestal.cli.daemon import check_reachable, described
    from vestal.cli.output import note, say, write_json
    from vestal.daemon.process.stop import stop
    from vestal.home import default_folder

    home = default_folder()
    check_reachable(home)
    stopped = stop(home, timeout=timeout)
    if as_json:
        write_json(
            {
                "status": "stopped",
                "pid": None if stopped is None else stopped.running.pid,
                "killed": stopped is not None and stopped.killed,
            }
        )
    elif stopped is None:
        say("the daemon does not run")
    else:
        say(f"the daemon has stopped: {described(stopped.running)}")
        if stopped.killed:
            note(f"it did not end within {timeout:g} s and was killed; what it was doing is recovered at the next use")
