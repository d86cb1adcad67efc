"""`vestal for`: a group of its own, whose commands are modules of this package."""

from __future__ import annotations

import click

from vestal.cli.group import LazyGroup

SECTIONS = {
    "Programs that ask": ("git", "docker", "keyring", "kubectl", "google", "process"),
    "Programs that are told": ("curl",),
}
"""The commands as `--help` groups them."""


@click.group(
    "for",
    cls=LazyGroup,
    package=__name__,
    sections=SECTIONS,
    invoke_without_command=True,
    subcommand_metavar="PROGRAM",
    short_help="Tokens for git, kubectl, docker, curl, pip and others.",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Tokens for programs that others wrote, in the words that each of them wants.

    Programs that say for which host they ask get the credential that hosts.toml in the home names for it, and nothing
    for any other host.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
