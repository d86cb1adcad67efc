"""`vestal exec`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from vestal.cli.failure import NOT_EXECUTABLE, NOT_FOUND, printable
from vestal.cli.parameters import complete_credential, duration
from vestal.cli.session import note_stale, open_home
from vestal.cli.threads import finish_refreshes

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ExecCommand(click.Command):
    """Keeps what stands after `--` away from the parsing of options, and knows where it begins."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Split at the first `--`."""
        if "--" in args:
            cut = args.index("--")
            ctx.meta["vestal.exec"] = args[cut + 1 :]
            args = args[:cut]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage with the command."""
        return [*super().collect_usage_pieces(ctx), "--", "CMD..."]


@click.command("exec", cls=ExecCommand)
@click.argument("names", metavar="NAME[=ENV]...", nargs=-1, required=True, shell_complete=complete_credential)
@click.option("--min-ttl", type=duration, metavar="DURATION", help="Give tokens that are good for so long at least.")
def command(names: tuple[str, ...], min_ttl: float | None) -> None:
    """Run a command with tokens in its environment.

    Each token is in the variable ENV, by default in the credential's name in capitals with _TOKEN behind it: acme-bot
    gives ACME_BOT_TOKEN. Nobody but the command sees them. Ends as the command does; 126 and 127 if it can't be run, as
    in a shell. A command that outlives its tokens asks for new ones by `vestal token`.
    """
    from vestal.core.errors import ConfigError
    from vestal.operations.ask import ask

    words: list[str] = click.get_current_context().meta.get("vestal.exec", [])
    if not words:
        raise ConfigError("there is no command to run", remedy="write it behind --: vestal exec NAME -- CMD...")
    wanted = _variables(names)
    home = open_home(note_stale)
    environment = dict(os.environ)
    for variable, name in wanted.items():
        environment[variable] = ask(home, name, None, min_ttl).access_token.reveal()
    finish_refreshes()
    home.close()
    _become(words, environment)


def _variables(names: Sequence[str]) -> dict[str, str]:
    """Which credential goes into which variable."""
    from vestal.core.credential import check_name
    from vestal.core.errors import ConfigError
    from vestal.operations.doors.bearer import variable as default_variable

    wanted: dict[str, str] = {}
    for text in names:
        name, given, variable = text.partition("=")
        check_name(name)
        if not given:
            variable = default_variable(name)
        if not _VARIABLE.fullmatch(variable):
            raise ConfigError(
                f"{variable[:40]!r} can't name a variable", credential=name, remedy="use letters, digits and _"
            )
        if variable in wanted:
            raise ConfigError(f"two tokens would be in {variable}", remedy="name another variable: NAME=ENV")
        wanted[variable] = name
    return wanted


def _become(words: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Give this process to the command."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(words[0], list(words), environment)  # noqa: S606 - running a command is what it is for
    except FileNotFoundError:
        code, trouble = NOT_FOUND, "there is no such command"
    except OSError as error:
        code, trouble = NOT_EXECUTABLE, error.strerror or "it can't be run"
    except ValueError:
        code, trouble = NOT_EXECUTABLE, "it can't be run: a word of it holds a NUL character"
    print(printable(f"vestal: {words[0][:80]}: {trouble} (check the words behind --)"), file=sys.stderr, flush=True)
    raise click.exceptions.Exit(code)
