"""`vestal github installations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import complete_credential, credential_name, json_option
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.services.github.installations import Installation


@click.command("installations", short_help="Show where an app is installed, and make credentials.")
@click.argument("app", required=False, type=credential_name, metavar="[APP]", shell_complete=complete_credential)
@click.option(
    "--installation",
    "numbers",
    type=click.IntRange(min=1),
    metavar="ID",
    multiple=True,
    help="This one only; may be given several times.",
)
@click.option("--add", is_flag=True, help="Make a credential of each, for `vestal token` and others.")
@click.option(
    "--repository",
    "repositories",
    metavar="[OWNER/]NAME",
    multiple=True,
    help="With --add: tokens for this repository alone; may be given several times.",
)
@click.option(
    "--permission",
    "permissions",
    metavar="NAME:LEVEL",
    multiple=True,
    help="With --add: tokens with this permission alone, like contents:read; may be given several times.",
)
@json_option
def command(
    app: str | None,
    numbers: tuple[int, ...],
    add: bool,
    repositories: tuple[str, ...],
    permissions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show where an app is installed.

    GitHub is asked. Without APP it is the only one that there is. A credential is named APP/installation/ID; what narrows
    its tokens gives it a name of its own, and GitHub is asked whether it grants that.
    """
    from vestal.cli.output import say, table, write_json
    from vestal.core.errors import ConfigError
    from vestal.operations.github import narrowing
    from vestal.operations.github.apps import installations, only_app
    from vestal.services.github.installations import credential_name as name_of

    if (repositories or permissions) and not add:
        raise ConfigError("--repository and --permission are about credentials", remedy="make them with --add")
    narrow, home = narrowing.narrowing_of(repositories, permissions), open_home()
    name = only_app(home, app)
    found = sorted(installations(home, name), key=lambda each: each.account.lower())
    found = narrowing.chosen(found, numbers, repositories)
    if add:
        narrowing.add(home, name, found, narrow)
    names = {each.id: name_of(name, each.id, narrow) for each in found}
    if as_json:
        write_json([_values(each, names[each.id]) for each in found])
    elif not found:
        say(f"{name} is installed nowhere")
    elif add:
        table(["credential", "account", "state"], [[names[each.id], each.account, _state(each)] for each in found])
    else:
        table(["id", "account", "repositories", "permissions", "state"], [_row(each) for each in found])


def _values(each: Installation, credential: str) -> dict[str, object]:
    from vestal.operations.times import rfc3339

    return {
        "id": each.id,
        "account": each.account,
        "account_type": each.account_type,
        "repositories": each.repository_selection,
        "permissions": dict(each.permissions),
        "suspended_at": rfc3339(each.suspended_at),
        "credential": credential,
    }


def _row(each: Installation) -> list[str]:
    permissions = ", ".join(f"{name}:{level}" for name, level in sorted(each.permissions.items()))
    return [str(each.id), each.account, each.repository_selection, permissions, _state(each)]


def _state(each: Installation) -> str:
    from vestal.operations.times import rfc3339

    return "active" if each.suspended_at is None else f"suspended {rfc3339(each.suspended_at)}"
