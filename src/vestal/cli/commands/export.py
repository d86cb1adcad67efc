"""`vestal export`."""

from __future__ import annotations

from pathlib import Path

import click

from vestal.cli.parameters import complete_credential, credential_name, file_option
from vestal.cli.session import open_home


@click.command("export", short_help="Write credentials, sealed under a passphrase.")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=credential_name, shell_complete=complete_credential)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="FILE",
    default="-",
    help="Write to this file, made with mode 0600, and not to stdout.",
)
@file_option("--passphrase-file", help="Read the passphrase from a file, - for stdin.")
def command(names: tuple[str, ...], output: str, passphrase_file: str | None) -> None:
    """Write credentials, secrets and all, sealed under a passphrase: all of them, or those named.

    Without --passphrase-file the passphrase is $VESTAL_EXPORT_PASSPHRASE, or asked for. A rotating refresh token works in
    one home only: after an import elsewhere, `vestal remove` it here.
    """
    from vestal.cli.output import counted, note
    from vestal.cli.passphrase import export_passphrase
    from vestal.operations.transfer import export
    from vestal.stores.files import write_private

    home = open_home()
    home.store.names()  # an unusable home is told of before a passphrase is asked for
    text, exported = export(home, export_passphrase(passphrase_file, new=True), names)
    if output == "-":
        print(text, end="")
    else:
        write_private(Path(output).expanduser(), text)
        note(f"{output}: {counted(len(exported), 'credential')}, sealed")
