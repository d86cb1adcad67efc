"""`vestal key`: the keys of programs that come to the daemon over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import complete_credential, complete_key, json_option

if TYPE_CHECKING:
    from vestal.daemon.access import Access


def _complete_actions(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Actions, also after a comma."""
    from vestal.daemon.access import ACTIONS

    before, comma, begun = incomplete.rpartition(",")
    given = before.split(",")
    return [f"{before}{comma}{action}" for action in ACTIONS if action.startswith(begun) and action not in given]


@click.group(
    "key",
    invoke_without_command=True,
    short_help="Keys for programs that ask the daemon over TCP.",
    subcommand_metavar="COMMAND",
)
@click.pass_context
def command(context: click.Context) -> None:
    """Keys for programs that ask the daemon over TCP, sent as `Authorization: Bearer KEY`.

    Each has a name, the credentials that it is good for, and what may be done with them. They are kept hashed.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@command.command("add")
@click.argument("name")
@click.option(
    "--credential",
    "patterns",
    multiple=True,
    required=True,
    metavar="PATTERN",
    shell_complete=complete_credential,
    help="A credential that it is good for; * stands for any text. May be given several times.",
)
@click.option(
    "--action",
    "actions",
    multiple=True,
    default=("token",),
    metavar="ACTION[,ACTION]...",
    shell_complete=_complete_actions,
    help="What it may do: token (be given tokens), refresh, admin. Default: token.",
)
@json_option
def add(name: str, patterns: tuple[str, ...], actions: tuple[str, ...], as_json: bool) -> None:
    """Make a key, and write it to stdout. It is not shown again."""
    from contextlib import closing

    from vestal.cli.output import note, write_json

    words = [word for text in actions for word in text.split(",") if word]
    with closing(_access()) as access:
        key = access.add(name, patterns, words)
    if as_json:
        write_json({"name": name, "key": key.reveal(), "credentials": list(patterns), "actions": words})
    else:
        print(key.reveal())
        note(f"{name}: this key is not shown again")


@command.command("list", short_help="Show all keys, and when they were used last.")
@json_option
def list_keys(as_json: bool) -> None:
    """Show all keys: what they are good for, and when they were used last."""
    import time
    from contextlib import closing

    from vestal.cli.output import note, say, table, write_json
    from vestal.operations.times import relative, rfc3339

    with closing(_access()) as access:
        keys = access.list()
    if as_json:
        write_json(
            [
                {
                    "name": key.name,
                    "id": key.id,
                    "credentials": list(key.patterns),
                    "actions": list(key.actions),
                    "created_at": rfc3339(key.created_at),
                    "last_used_at": rfc3339(key.last_used_at),
                }
                for key in keys
            ]
        )
    elif keys:
        now = time.time()
        table(
            ["name", "credentials", "actions", "made", "last used"],
            [
                [
                    key.name,
                    " ".join(key.patterns),
                    ",".join(key.actions),
                    relative(key.created_at, now),
                    relative(key.last_used_at, now) or "never",
                ]
                for key in keys
            ],
        )
    else:
        say("there are no keys yet")
        note("`vestal key add NAME --credential PATTERN` makes one")


@command.command("revoke", short_help="Make a key useless.")
@click.argument("name", shell_complete=complete_key)
@json_option
def revoke(name: str, as_json: bool) -> None:
    """Make a key useless. A daemon that runs refuses it within a second."""
    from contextlib import closing

    from vestal.cli.output import say, write_json

    with closing(_access()) as access:
        access.revoke(name)
    if as_json:
        write_json({"name": name, "revoked": True})
    else:
        say(f"{name}: revoked")


def _access() -> Access:
    from vestal.daemon.access import Access
    from vestal.home import default_folder
    from vestal.stores.files import make_private_folder

    folder = default_folder()
    make_private_folder(folder)
    return Access(folder)
