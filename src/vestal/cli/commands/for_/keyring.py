"""`vestal for keyring`."""

from __future__ import annotations

import sys

import click

from vestal.cli.session import open_home


@click.command(
    "keyring",
    short_help="Stand in for the program keyring: pip, uv, twine.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Stand in for the program `keyring`, which pip, uv and twine ask for passwords of package indexes.

    \b
    A program `keyring` in the PATH with these lines, and the index in hosts.toml:
      #!/bin/sh
      exec vestal for keyring "$@"
    pip install --keyring-provider subprocess --index-url https://packages.example.com/simple/ NAME

    Ends with 1, and says nothing, for what is not in hosts.toml. Nothing is stored.
    """  # noqa: D301
    from vestal.operations.doors import keyring

    answer = keyring.get(open_home(), keyring.read(arguments))
    if answer is None:
        raise click.exceptions.Exit(1)
    sys.stdout.write(answer.reveal())
