"""`vestal for google`."""

from __future__ import annotations

import sys

import click

from vestal.cli.parameters import name_argument
from vestal.cli.session import open_home


@click.command("google", short_help="Be an executable that gives Google's libraries a token.")
@name_argument
@click.option(
    "--type", "kind", type=click.Choice(["jwt", "id_token", "saml2"]), default="jwt", help="What the token is."
)
def command(name: str, kind: str) -> None:
    """Be the executable of an external account of Google's libraries: print the token as their subject token.

    \b
    "credential_source": {"executable": {"command": "/path/to/vestal for google NAME", "timeout_millis": 30000}}

    A failure is told in the same words, for the library to report; the exit code is 0 then too.
    """  # noqa: D301
    from vestal.core.errors import VestalError
    from vestal.operations.doors.bearer import bearer
    from vestal.operations.doors.formats import google_executable, google_failure

    try:
        told = google_executable(bearer(open_home(), name), kind)
    except VestalError as error:
        print(google_failure(error))
    else:
        sys.stdout.write(told.reveal())
