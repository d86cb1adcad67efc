"""`vestal github git-credential`."""

from __future__ import annotations

import sys

import click

from vestal.cli.parameters import complete_credential, credential_name
from vestal.cli.session import open_home


@click.command("git-credential", short_help="Be git's credential helper, as an app.")
@click.option(
    "--app",
    type=credential_name,
    metavar="NAME",
    shell_complete=complete_credential,
    help="The app whose tokens git gets. Default: the one that there is for the host.",
)
@click.option(
    "--installation",
    type=click.IntRange(min=1),
    metavar="ID",
    help="The installation to use, whichever repository it is. Default: the one that reaches it.",
)
@click.argument("operation", metavar="get|store|erase")
def command(operation: str, app: str | None, installation: int | None) -> None:
    """Be git's credential helper: tokens of an app's installations.

    \b
    git config --global credential.https://github.com.helper '!vestal github git-credential'
    git config --global credential.https://github.com.useHttpPath true

    Speaks git's protocol on stdin and stdout. Nothing is said of other hosts, nothing is stored, and what git tells of a
    token that was refused lets the next one be a newer one.
    """  # noqa: D301
    from vestal.core.errors import VestalError
    from vestal.core.secret import Secret
    from vestal.operations.github import git
    from vestal.services.git_protocol import MOST, read

    if operation not in ("get", "erase"):  # "store", and what git may ask for in the future
        return
    # In bytes, since text would take a carriage return within a value for the end of its line.
    question = read(Secret(sys.stdin.buffer.read(MOST).decode("utf-8", "replace")))
    if operation == "get":
        answer = git.get(open_home(), question, app, installation)
        if answer is not None:
            sys.stdout.write(answer.reveal())
        return
    try:
        git.erase(open_home(), question)
    except VestalError:
        return  # git waits for nothing here; whoever asks next is told what is wrong
