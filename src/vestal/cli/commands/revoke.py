"""`vestal revoke`."""

from __future__ import annotations

import click

from vestal.cli.parameters import json_option, name_argument
from vestal.cli.session import open_home


@click.command("revoke", short_help="End a grant, at the service and here.")
@name_argument
@click.option("--local", is_flag=True, help="Only forget the tokens here, and do not tell the service.")
@json_option
def command(name: str, local: bool, as_json: bool) -> None:
    """End a grant: make its tokens worthless at the service (RFC 7009), and forget them.

    The app's registration stays, so that `vestal login` brings new ones. `vestal remove` forgets that as well.
    """
    from vestal.cli.output import say, write_json
    from vestal.operations.ask import tell_daemon
    from vestal.operations.revoke import revoke

    home = open_home()
    try:
        done = revoke(home, name, local=local)
    finally:
        tell_daemon(home, name)  # also where the service took one token, and not the other
    if as_json:
        write_json({"name": name, "revoked": [] if local else list(done), "forgotten": local or bool(done)})
    elif local:
        say(f"{name}: its tokens are forgotten here; the service was not told")
    else:
        say(f"{name}: revoked the {' and the '.join(done)}" if done else f"{name}: there was nothing to revoke")
