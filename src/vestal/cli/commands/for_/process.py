"""`vestal for process`."""

from __future__ import annotations

import sys

import click

from vestal.cli.parameters import name_argument
from vestal.cli.session import open_home


@click.command("process", short_help="Print JSON of the manner of credential_process.")
@name_argument
def command(name: str) -> None:
    """Print the token and its end as JSON of the manner of `credential_process`.

    The keys: Version (1), AccessToken, TokenType and, if the service says when it ends, Expiration (RFC 3339). AWS itself
    wants AWS keys there, and takes no token.
    """
    from vestal.operations.doors.bearer import bearer
    from vestal.operations.doors.formats import process_credential

    sys.stdout.write(process_credential(bearer(open_home(), name)).reveal())
