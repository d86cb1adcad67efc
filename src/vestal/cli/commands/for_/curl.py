"""`vestal for curl`."""

from __future__ import annotations

import sys

import click

from vestal.cli.parameters import name_argument
from vestal.cli.session import open_home


@click.command("curl", short_help="Print a configuration for curl.")
@name_argument
def command(name: str) -> None:
    """Print a configuration for curl, which reads it from stdin, so that the token is in no list of processes.

    \b
    vestal for curl NAME | curl -K - https://api.example.com/me
    """  # noqa: D301
    from vestal.operations.doors.bearer import bearer
    from vestal.operations.doors.formats import curl_config

    sys.stdout.write(curl_config(bearer(open_home(), name)).reveal())
