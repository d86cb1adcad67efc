"""`vestal logs`."""

from __future__ import annotations

import click


@click.command("logs", short_help="Show the log of the daemon.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until Ctrl-C.")
@click.option(
    "--lines", type=click.IntRange(0, 1_000_000), default=50, metavar="N", help="Show the last so many. Default: 50."
)
@click.option("--errors", is_flag=True, help="Show warnings and errors only.")
def command(follow: bool, lines: int, errors: bool) -> None:
    """Show the log of a daemon of `vestal start`. That of `vestal serve` is on its stderr."""
    from vestal.cli.daemon import check_reachable, log_line
    from vestal.cli.output import note
    from vestal.daemon.process.logs import following, last_lines, log_file
    from vestal.home import default_folder

    home = default_folder()
    check_reachable(home)
    path = log_file(home, errors=errors)
    if not path.exists():
        note("there is no log yet: `vestal start` writes one")
    elif errors and not path.stat().st_size:
        note("there are no warnings and no errors")
    if not follow:
        for line in last_lines(path, lines):
            print(log_line(line))
        return
    for line in following(path, lines):
        print(log_line(line), flush=True)
