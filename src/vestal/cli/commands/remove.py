"""`vestal remove`."""

from __future__ import annotations

import click

from vestal.cli.parameters import json_option, name_argument
from vestal.cli.session import open_home


@click.command("remove")
@name_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Forget a credential here, secrets and all.

    The service is not told: its tokens stay good there. To end them, run `vestal revoke` first.
    """
    from vestal.cli.output import say, write_json
    from vestal.operations.ask import tell_daemon

    home = open_home()
    home.remove(name)
    tell_daemon(home, name)
    if as_json:
        write_json({"name": name, "removed": True})
    else:
        say(f"{name}: removed")
