"""`vestal github add-token`."""

from __future__ import annotations

import click

from vestal.cli.github import base_url_option
from vestal.cli.parameters import file_option, json_option, name_argument
from vestal.cli.session import open_home


@click.command("add-token")
@name_argument
@file_option("--token-file", required=True, help="Read the token from a file, - for stdin.")
@base_url_option
@click.option("--replace", is_flag=True, help="Take the place of a credential of that name.")
@json_option
def command(name: str, token_file: str, base_url: str, replace: bool, as_json: bool) -> None:
    """Add a personal access token, once GitHub has taken it.

    Fine-grained ones and classic ones. It can't be refreshed: a new one takes its place with --replace.
    """
    from vestal.cli.output import say, write_json
    from vestal.cli.reading import read_secret
    from vestal.operations.github.apps import register_token
    from vestal.operations.times import relative, rfc3339

    home = open_home()
    told, token = register_token(home, name, read_secret(token_file, "the token"), base_url, over=replace)
    if as_json:
        facts = {key: told.get(key) for key in ("login", "kind", "scopes")}
        write_json({"name": name, **facts, "expires_at": rfc3339(token.expires_at)})
        return
    ends = "" if token.expires_at is None else f", ends {relative(token.expires_at, home.clock.now())}"
    say(f"{name}: added ({told.get('login', 'of nobody in particular')}, {told.get('kind', 'token')}{ends})")
