"""`vestal import`."""

from __future__ import annotations

import click

from vestal.cli.parameters import file_option, json_option
from vestal.cli.session import open_home


@click.command("import", short_help="Keep the credentials of an export here.")
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
@file_option("--passphrase-file", help="Read the passphrase from a file, - for stdin.")
@click.option("--replace", is_flag=True, help="Take the place of credentials of the same names.")
@json_option
def command(file: str, passphrase_file: str | None, replace: bool, as_json: bool) -> None:
    """Keep the credentials of an export here, - for stdin.

    Without --passphrase-file the passphrase is $VESTAL_EXPORT_PASSPHRASE, or asked for. If a name is taken, nothing is
    imported.
    """
    from vestal.cli.output import say, write_json
    from vestal.cli.passphrase import export_passphrase
    from vestal.cli.reading import read_text
    from vestal.operations import envelope
    from vestal.operations.ask import tell_daemon
    from vestal.operations.transfer import take_in

    text = read_text(file, "the export")
    envelope.check(text)
    home = open_home()
    names = take_in(home, text, export_passphrase(passphrase_file, new=False), over=replace)
    for name in names:
        tell_daemon(home, name)
    if as_json:
        write_json({"imported": list(names)})
    else:
        say(f"imported {len(names)}: {', '.join(names)}")
