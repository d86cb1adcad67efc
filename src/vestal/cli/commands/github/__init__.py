"""`vestal github`: a group of its own, whose commands are modules of this package."""

from __future__ import annotations

import click

from vestal.cli.group import LazyGroup

SECTIONS = {
    "Set up": ("add-app", "add-token", "installations"),
    "Use": ("prs", "contributors", "limits", "git-credential"),
}
"""The commands as `--help` groups them."""


@click.group(
    "github",
    cls=LazyGroup,
    package=__name__,
    sections=SECTIONS,
    invoke_without_command=True,
    subcommand_metavar="COMMAND",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Apps, tokens and pull requests of GitHub.

    Those who ask are named by --app (an app of `vestal github add-app`) or by --credential (an app, an installation or a
    token, several times); without these, the tokens of GITHUB_SEEDING_TOKENS and GITHUB_SEEDING_TOKEN ask together,
    separated by commas. --base-url, or GITHUB_API_BASE_URL, says where these are good, and where what is added belongs, if
    that is not github.com.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
