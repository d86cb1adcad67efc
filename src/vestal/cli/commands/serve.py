"""`vestal serve`."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vestal.cli.daemon import daemon_options
from vestal.cli.session import open_home

if TYPE_CHECKING:
    from vestal.daemon.process.start import Options
    from vestal.home import Home


@click.command("serve", short_help="Run the daemon in the foreground.")
@daemon_options
@click.option("--background", is_flag=True, hidden=True, help="Log to files: this is the process of `vestal start`.")
def command(options: Options, background: bool) -> None:
    """Run the daemon here, until Ctrl-C: tokens for every program on the machine, at a Unix socket.

    The socket is for processes of the same user only. With --tcp, programs with a key of `vestal key add` may come over
    TCP as well. The first Ctrl-C lets requests end, the second does not.
    """
    from vestal.daemon.process.logs import log_to_files, log_to_stderr
    from vestal.daemon.server import serve

    level = options.log_level or "info"
    gc.set_threshold(10_000, 20, 20)  # unlike other commands, this one lives long
    if background:
        home = _home_in_background()
        log_to_files(home.folder, level)
    else:
        home = open_home()
        log_to_stderr(level)
    serve(
        home,
        socket_path=None if options.socket is None else Path(options.socket),
        tcp=options.tcp,
        hosts=options.hosts,
        at_once=options.at_once,
        per_provider=options.per_provider,
        period=options.period,
        log_level=level,
    )


def _home_in_background() -> Home:
    """The home, opened with the passphrase that `vestal start` hands over, if it does."""
    import os
    import sys

    from vestal.core.secret import Secret
    from vestal.home import Home

    os.umask(0o077)
    handed = Secret(sys.stdin.read())
    return Home(passphrase=(lambda: handed) if handed else None)
