"""`vestal init`."""

from __future__ import annotations

import click

from vestal.cli.parameters import json_option
from vestal.cli.session import open_home


@click.command("init")
@click.option(
    "--key",
    type=click.Choice(["file", "environment", "keyring", "passphrase"]),
    help="Where the master key is kept: in a file beside the store (default), in $VESTAL_KEY, in the OS keyring, or made "
    "of a passphrase.",
)
@json_option
def command(key: str | None, as_json: bool) -> None:
    """Make the home: a folder, a master key, a store. Does nothing where they are.

    `vestal add` does it by itself; init is for another kind of master key, and to see that everything works.
    """
    from vestal.cli.output import say, write_json
    from vestal.operations.found import found

    home = open_home(new=True)
    made = found(home, key)
    ring = home.store.keys.ring()
    if as_json:
        write_json(
            {"home": str(home.folder), "made": made, "key": ring[0].id.hex(), "credentials": len(home.store.names())}
        )
    else:
        say(f"{home.folder}: " + ("made, with a key and a store" if made else "all is there"))
