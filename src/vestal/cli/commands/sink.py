"""`vestal sink`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from vestal.cli.parameters import name_argument
from vestal.cli.session import note_stale, open_home


@click.command("sink", short_help="Keep a file with a token that works.")
@name_argument
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), metavar="PATH")
@click.option(
    "--format",
    "form",
    type=click.Choice(["token", "json", "env", "envoy-sds"]),
    default="token",
    help="token: nothing else; env: NAME_TOKEN=...; envoy-sds: a generic secret, `Bearer ...`.",
)
@click.option("--once", is_flag=True, help="Write it and end.")
def command(name: str, path: Path, form: str, once: bool) -> None:
    """Keep a file with a token that works, for programs that read one, until it is stopped (Ctrl-C, SIGTERM).

    The file is replaced at once (an atomic rename) and for its owner only (0600). What fails is told on stderr and tried
    again; the file stays as it is meanwhile.
    """
    from vestal.cli.failure import as_line
    from vestal.operations.doors.formats import FILES
    from vestal.operations.doors.sink import Sink

    sink = Sink(open_home(note_stale), name, path, FILES[form])
    if once:
        sink.once()
        return
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sink.run(stop.wait, lambda error: click.echo(as_line(error), err=True))
