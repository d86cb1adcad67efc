"""`vestal github add-app`."""

from __future__ import annotations

import click

from vestal.cli.github import base_url_option
from vestal.cli.parameters import file_option, json_option, name_argument
from vestal.cli.session import open_home


@click.command("add-app")
@name_argument
@click.option("--client-id", metavar="ID", default="", help="The app's client id, as its settings show it.")
@click.option("--app-id", metavar="ID", default="", help="The app id, which will do as well.")
@file_option("--key-file", required=True, help="Read the app's private key (.pem) from a file, - for stdin.")
@base_url_option
@click.option(
    "--replace", is_flag=True, help="Take the place of an app of that name; its installations use the new key."
)
@json_option
def command(name: str, client_id: str, app_id: str, key_file: str, base_url: str, replace: bool, as_json: bool) -> None:
    """Add a GitHub App, by its id and its private key.

    GitHub is asked whether it takes the key, and where the app is installed. Tokens of its installations are got when they
    are needed; nothing has to be added for them.
    """
    from vestal.cli.output import counted, note, say, write_json
    from vestal.cli.reading import read_secret
    from vestal.core.errors import ConfigError
    from vestal.operations.github.apps import register_app

    if bool(client_id.strip()) == bool(app_id.strip()):
        raise ConfigError(
            "the app's id is given twice" if app_id else "the app's id is missing",
            remedy="give --client-id or --app-id",
        )
    key = read_secret(key_file, "the private key", lines=True)
    told, found = register_app(open_home(), name, client_id.strip() or app_id.strip(), key, base_url, over=replace)
    accounts = [each.account for each in found if each.suspended_at is None]
    if as_json:
        write_json({"name": name, "slug": told.get("slug"), "app_id": told.get("app_id"), "installed": accounts})
        return
    where = f": {', '.join(accounts[:5])}{', ...' if len(accounts) > 5 else ''}" if accounts else ""
    say(f"{name}: added ({told.get('slug', 'an app')}, {counted(len(accounts), 'installation')}{where})")
    if not accounts:
        note(f"{name}: it is installed nowhere yet: its page {told.get('html_url', '')} lets you install it")
