"""`vestal token`. Imports as little as it can: programs call it for every request."""

from __future__ import annotations

import click

from vestal.cli.parameters import duration, json_option, name_argument
from vestal.cli.session import note_stale, open_home


@click.command("token")
@name_argument
@json_option
@click.option(
    "--newer-than",
    type=click.IntRange(min=0),
    metavar="VERSION",
    help="Give a token of a later version than this one, which a service refused (401).",
)
@click.option(
    "--min-ttl",
    type=duration,
    metavar="DURATION",
    help="Give a token that is good for so long at least: 90, 90s, 15m, 2h, 1d.",
)
def command(name: str, as_json: bool, newer_than: int | None, min_ttl: float | None) -> None:
    """Print a token that works, and nothing else.

    It is refreshed first if it is due; whoever else asks at the same time waits for the same refresh.
    """
    from vestal.operations.ask import ask

    home = open_home(note_stale)
    token = ask(home, name, newer_than, min_ttl)
    if as_json:
        from vestal.cli.output import write_json
        from vestal.operations.show_token import as_values

        write_json({"access_token": token.access_token.reveal(), **as_values(token, home.clock.now())})
    else:
        print(token.access_token.reveal())
