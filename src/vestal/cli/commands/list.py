"""`vestal list`."""

from __future__ import annotations

from typing import Any

import click

from vestal.cli.parameters import json_option
from vestal.cli.session import open_home


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """Show all credentials and their states.

    One that can't be read is shown as an error and does not hide the others.
    """
    from vestal.cli.output import note, say, service_of, table, write_json
    from vestal.core.errors import VestalError
    from vestal.operations.overview import Seen, look_at_all, overview
    from vestal.operations.times import relative

    home = open_home()
    values: list[dict[str, Any]] = []
    rows: list[list[str]] = []
    unreadable: VestalError | None = None
    for name, found in look_at_all(home):
        if isinstance(found, Seen):
            credential, token = found.credential, found.credential.token
            values.append({key: value for key, value in overview(found).items() if key != "history"})
            rows.append(
                [
                    name,
                    service_of(credential.app),
                    found.state.value,
                    found.token_state.value,
                    relative(None if token is None else token.expires_at, found.now),
                    str(credential.version),
                    relative(credential.refreshed_at, found.now),
                ]
            )
        else:
            unreadable = unreadable or found
            error = {"category": found.category.value, "message": found.message, "at": None, "remedy": found.remedy}
            values.append({"name": name, "state": "error", "last_error": error})
            rows.append([name, "", "error", "", "", "", "can't be read"])
    if as_json:
        write_json(values)
    elif rows:
        table(["name", "provider", "state", "token", "expires", "version", "refreshed"], rows)
    else:
        say("there are no credentials yet")
        note("`vestal add NAME` makes one, `vestal practice` gives you something to try it on")
    if unreadable is not None:
        raise unreadable
