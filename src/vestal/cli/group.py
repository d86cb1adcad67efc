"""The group `vestal`, and groups in it.

A command's module is imported when the command is used: `vestal token` pays for nothing else.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from vestal.cli.failure import EXIT_CODES
from vestal.cli.threads import finish_refreshes
from vestal.core.errors import ConfigError

SECTIONS = {
    "Use tokens": ("token", "exec", "refresh", "list", "show"),
    "Set up": ("init", "providers", "add", "login", "completion"),
    "Other programs": ("for", "sink"),
    "Services": ("github",),
    "The daemon": ("serve", "start", "stop", "restart", "status", "open", "logs", "key", "systemd"),
    "Look after": ("doctor", "remove", "revoke", "export", "import", "rotate-key"),
    "Try out": ("practice",),
}
"""The commands as `--help` groups them."""

ENVIRONMENT = {
    "VESTAL_HOME": "the folder of store, key and configuration (default: vestal in the platform's user data folder)",
    "VESTAL_KEY": "the master key, where config.toml says that it comes from the environment",
    "VESTAL_PASSPHRASE": "the passphrase of the master key, where it comes from one",
    "VESTAL_EXPORT_PASSPHRASE": "the passphrase of `vestal export` and `vestal import`",
    "VESTAL_RUNTIME_DIR": "the folder of the daemon's socket (default: run in the home)",
    "VESTAL_DEBUG": "1: show tracebacks",
}


class OutputClosed(Exception):
    """Whoever read the output has gone."""


class LazyGroup(click.Group):
    """A group whose commands are modules of a package, which are imported when they are used.

    `sections`: their names, as `--help` groups them.
    """

    def __init__(self, *args: Any, package: str, sections: Mapping[str, Sequence[str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.package = package
        self.sections = sections

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names."""
        return sorted(name for names in self.sections.values() for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.commands and any(cmd_name in names for names in self.sections.values()):
            module = cmd_name.replace("-", "_")
            if module in ("for", "import"):  # keywords
                module += "_"
            self.commands[cmd_name] = importlib.import_module(f"{self.package}.{module}").command
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section."""
        for title, names in self.sections.items():
            with formatter.section(title):
                commands = [(name, self.get_command(ctx, name)) for name in names]
                formatter.write_dl([(name, command.get_short_help_str(80)) for name, command in commands if command])


class Vestal(LazyGroup):
    """The group of all commands."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, write all that it says, and let its refreshes end.

        Where nobody reads the output, click would end by itself, with a code of its own.
        """
        trouble: Exception
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            finish_refreshes()
            return result
        except BrokenPipeError:
            trouble = OutputClosed()
        except ConfigError as error:
            trouble = error
        if isinstance(trouble, ConfigError) and trouble.credential and "/installation/" in trouble.credential:
            from vestal.cli.github import how_to_add

            trouble.remedy = how_to_add(trouble.credential) or trouble.remedy
        raise trouble

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Exit codes and environment."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])
        with formatter.section("Environment"):
            formatter.write_dl(list(ENVIRONMENT.items()))


@click.group(
    "vestal",
    cls=Vestal,
    package="vestal.cli.commands",
    sections=SECTIONS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("-v", "--verbose", count=True, help="Tell on stderr what happens; twice for every step.")
@click.version_option(package_name="vestal", message="vestal %(version)s")
@click.pass_context
def vestal(context: click.Context, verbose: int) -> None:
    """Keeps API tokens alive: ask for a token by name, and get one that works.

    Errors are one line on stderr, with what to do about them; with --json they are one JSON object.
    Wherever a file is read, - is stdin. A secret is never an argument.
    """
    context.meta["vestal.verbose"] = verbose
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
