"""`vestal rotate-key`."""

from __future__ import annotations

import dataclasses

import click

from vestal.cli.parameters import json_option
from vestal.cli.session import open_home


@click.command("rotate-key")
@click.option("--reseal-only", is_flag=True, help="Make no key: seal everything with the first one of those there are.")
@json_option
def command(reseal_only: bool, as_json: bool) -> None:
    """Change the master key while everything goes on.

    A new key seals every record again. The last key is kept until the next rotation, for programs that run; those before
    it are forgotten. Old backups of the store need the keys of their time.
    """
    from vestal.cli.output import counted, say, write_json
    from vestal.operations.rotate import rotate_key

    done = rotate_key(open_home(), reseal_only=reseal_only)
    if as_json:
        write_json(dataclasses.asdict(done))
        return
    kept = f"; kept until the next rotation: {', '.join(done.kept)}" if done.kept else ""
    gone = f"; forgotten: {', '.join(done.forgotten)}" if done.forgotten else ""
    say(f"key {done.key} seals now, {counted(done.resealed, 'credential')} sealed again{kept}{gone}")
