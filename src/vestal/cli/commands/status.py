"""`vestal status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.failure import OK, UNEXPECTED
from vestal.cli.parameters import json_option
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.daemon.process.status import Status


@click.command("status", short_help="Show how the daemon is.")
@json_option
def command(as_json: bool) -> int:
    """Show how the daemon is, where its dashboard is, and how many credentials are in which state.

    Ends with 1 if it does not run, or runs and does not answer. That of another user answers nobody else.
    """
    from vestal.cli.daemon import check_reachable
    from vestal.cli.output import note, say, write_json
    from vestal.daemon.process.pid_file import PidFile
    from vestal.daemon.process.status import credentials_by_state, status

    home = open_home()
    check_reachable(home.folder)
    found = status(home)
    owner = _owner(found)
    states = credentials_by_state(home) if owner is None else {}
    if as_json:
        whose = {} if owner is None else {"status": "foreign", "user": owner}
        write_json({**found.as_json(), **whose, "dashboard": _dashboard(found), "credentials": states})
    elif found.pid is None:
        say("the daemon does not run")
        left = PidFile(home.folder).read()
        if left is not None:  # one that ends in order takes its file along
            note(f"process {left.pid}, the last one, was killed or crashed: see `vestal logs`")
    else:
        _tell(found, owner, states)
    return UNEXPECTED if owner is not None or found.status in ("stopped", "unresponsive") else OK


def _tell(found: Status, owner: str | None, states: dict[str, int]) -> None:
    from vestal.cli.daemon import NO_DASHBOARD
    from vestal.cli.output import details
    from vestal.operations.times import span

    words = found.status
    if owner is not None:
        words = f"belongs to user {owner}: only they are answered"
    elif words == "unresponsive":
        words = "unresponsive: it lives, but does not answer; see `vestal logs`"
    details(
        "the daemon",
        [
            ("status", words),
            ("pid", str(found.pid)),
            ("uptime", span(found.uptime_seconds or 0)),
            ("memory", f"{found.memory_mb} MiB"),
            ("cpu", f"{found.cpu_percent} %"),
            ("url", found.url or ""),
            ("dashboard", _dashboard(found) or f"none: {NO_DASHBOARD}"),
            ("socket", found.socket or ""),
            ("version", found.version or ""),
            (
                "credentials",
                "" if owner else ", ".join(f"{count:,} {state}" for state, count in states.items()) or "none",
            ),
        ],
    )


def _dashboard(found: Status) -> str | None:
    """Where browsers find it; None where the daemon listens at its socket only."""
    return f"{found.url}/dashboard" if found.url is not None and found.url.startswith("http://") else None


def _owner(found: Status) -> str | None:
    """The user whose daemon it is, if that is not us."""
    import psutil

    from vestal.daemon.process.health import stranger

    try:
        return None if found.pid is None else stranger(psutil.Process(found.pid).uids().effective)
    except psutil.Error:  # it has just ended
        return None
