"""`vestal completion`."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", short_help="Print a completion script for your shell.")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script that completes commands, options, credentials and providers.

    \b
    bash  eval "$(vestal completion bash)"              in ~/.bashrc
    zsh   eval "$(vestal completion zsh)"               in ~/.zshrc
    fish  vestal completion fish > ~/.config/fish/completions/vestal.fish
    """  # noqa: D301
    from click.shell_completion import ShellComplete, get_completion_class

    from vestal.cli.group import vestal

    made = get_completion_class(shell)
    assert made is not None
    # bash's own source() runs bash to see how old it is; the script is the same.
    print(ShellComplete.source(made(vestal, {}, "vestal", "_VESTAL_COMPLETE")), end="")
