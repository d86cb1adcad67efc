"""`vestal for git`."""

from __future__ import annotations

import sys

import click

from vestal.cli.parameters import complete_credential, credential_name
from vestal.cli.session import open_home


@click.command("git", short_help="Be git's credential helper.")
@click.option(
    "--credential",
    type=credential_name,
    metavar="NAME",
    shell_complete=complete_credential,
    help="Whose token git gets, in place of what hosts.toml says. Needs --host.",
)
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="A host that gets it, with the port if need be.")
@click.option("--username", default="", metavar="USER", help="The name beside the token. Default: oauth2.")
@click.option("--bearer", is_flag=True, help="Send it as a bearer token where git can (2.46), not as a password.")
@click.argument("operation", metavar="get|store|erase")
def command(operation: str, credential: str | None, hosts: tuple[str, ...], username: str, bearer: bool) -> None:
    """Be git's credential helper, for any credential.

    \b
    git config --global credential.https://git.example.com.helper '!vestal for git'

    The host is in hosts.toml, or named here: '!vestal for git --credential acme --host git.example.com'. Nothing is said
    of other hosts, nothing is stored, and what git tells of a token that was refused gets a newer one for the next time.
    For the tokens of a GitHub App there is `vestal github git-credential`.
    """  # noqa: D301
    from vestal.core.errors import ConfigError, VestalError
    from vestal.core.secret import Secret
    from vestal.operations.doors import git
    from vestal.operations.doors.hosts import Place, host_of, places
    from vestal.services.git_protocol import MOST, read

    if (credential is None) != (not hosts):
        raise ConfigError("--credential and --host go together", remedy="name the host that may get the token")
    if operation not in ("get", "erase"):  # "store", and what git may ask for in the future
        return
    # As bytes: text would make a line break of a carriage return, which an address can smuggle in.
    question = read(Secret(sys.stdin.buffer.read(MOST).decode("utf-8", "replace")))
    home = open_home()
    if credential is None:
        known = places(home)
    else:
        named = [host_of(host) or host_of(f"http://{host}") for host in hosts]
        known = {host: Place(host, credential, username, bearer) for host in named}
    if operation == "get":
        answer = git.get(home, question, known)
        if answer is not None:
            sys.stdout.write(answer.reveal())
        return
    try:
        git.erase(home, question, known)
    except VestalError:
        return  # git waits for nothing here; whoever asks next is told what is wrong
