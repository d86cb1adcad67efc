"""`vestal github installations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import complete_credential, credential_name, json_option
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.services.github.installations import Installation


@click.command("installations")
@click.argument("app", required=False, type=credential_name, metavar="[APP]", shell_complete=complete_credential)
@click.option(
    "--add", is_flag=True, help="Make a credential of each, APP/installation/ID, for `vestal token` and others."
)
@json_option
def command(app: str | None, add: bool, as_json: bool) -> None:
    """Show where an app is installed.

    GitHub is asked. Without APP it is the only one that there is.
    """
    from vestal.cli.output import note, say, table, write_json
    from vestal.operations.github.apps import installations, only_app
    from vestal.operations.times import rfc3339
    from vestal.services.github.installations import credential_name as name_of
    from vestal.services.github.installations import ensure

    home = open_home()
    name = only_app(home, app)
    found = sorted(installations(home, name), key=lambda each: each.account.lower())
    if add:
        for each in found:
            ensure(home, name, each.id)
    if as_json:
        write_json(
            [
                {
                    "id": each.id,
                    "account": each.account,
                    "account_type": each.account_type,
                    "repositories": each.repository_selection,
                    "permissions": dict(each.permissions),
                    "suspended_at": rfc3339(each.suspended_at),
                    "credential": name_of(name, each.id),
                }
                for each in found
            ]
        )
    elif found:
        table(["id", "account", "repositories", "permissions", "state"], [_row(each) for each in found])
        if add:
            note(f"{name}: their credentials are {name_of(name, 'ID')}")
    else:
        say(f"{name} is installed nowhere")


def _row(each: Installation) -> list[str]:
    from vestal.operations.times import rfc3339

    permissions = ", ".join(f"{name}:{level}" for name, level in sorted(each.permissions.items()))
    suspended = f"suspended {rfc3339(each.suspended_at)}" if each.suspended_at is not None else "active"
    return [str(each.id), each.account, each.repository_selection, permissions, suspended]
