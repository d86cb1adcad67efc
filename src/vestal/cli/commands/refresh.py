"""`vestal refresh`."""

from __future__ import annotations

import click

from vestal.cli.parameters import json_option, name_argument
from vestal.cli.session import open_home


@click.command("refresh")
@name_argument
@json_option
def command(name: str, as_json: bool) -> None:
    """Refresh a token now, whether or not it is due.

    Also tries a refresh token once more whose last refresh was interrupted. Running programs take over the new token by
    themselves.
    """
    from vestal.cli.output import say, write_json
    from vestal.operations.ask import refresh
    from vestal.operations.show_token import as_values, as_words

    home = open_home()
    token = refresh(home, name)
    now = home.clock.now()
    if as_json:
        write_json({"name": name, **as_values(token, now)})
    else:
        say(f"{name}: {as_words(token, now)}")
