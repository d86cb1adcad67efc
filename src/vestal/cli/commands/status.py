"""`vestal status`."""

from __future__ import annotations

import click

from vestal.cli.failure import OK, UNEXPECTED
from vestal.cli.parameters import json_option
from vestal.cli.session import open_home


@click.command("status", short_help="Show how the daemon is.")
@json_option
def command(as_json: bool) -> int:
    """Show how the daemon is, and how many credentials are in which state.

    Ends with 1 if it does not run, or runs and does not answer.
    """
    from vestal.cli.output import details, say, write_json
    from vestal.daemon.process.status import credentials_by_state, status
    from vestal.operations.times import span

    home = open_home()
    found = status(home)
    states = credentials_by_state(home)
    if as_json:
        write_json({**found.as_json(), "credentials": states})
    elif found.pid is None:
        say("the daemon does not run")
    else:
        counts = ", ".join(f"{count:,} {state}" for state, count in states.items())
        details(
            "the daemon",
            [
                ("status", found.status),
                ("pid", str(found.pid)),
                ("uptime", span(found.uptime_seconds or 0)),
                ("memory", f"{found.memory_mb} MiB"),
                ("cpu", f"{found.cpu_percent} %"),
                ("url", found.url or ""),
                ("socket", found.socket or ""),
                ("version", found.version or ""),
                ("credentials", counts or "none"),
            ],
        )
    return UNEXPECTED if found.status in ("stopped", "unresponsive") else OK
