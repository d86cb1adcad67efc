"""Everything has help, and everything is in the reference."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import CLI
from vestal.cli.failure import EXIT_CODES
from vestal.cli.group import ENVIRONMENT, SECTIONS, vestal
from vestal.operations.settings import PREFIXES, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")

FIRM = {
    "init": [],
    "providers": [],
    "doctor": [],
    "list": [],
    "show": ["--json"],
    "remove": [],
    "revoke": [],
    "export": [],
    "import": [],
    "rotate-key": [],
    "add": [
        *("--provider", "--issuer", "--token-url", "--client-id", "--client-secret-file", "--client-secret-env"),
        *("--client-auth", "--key-file", "--grant", "--refresh-token-file", "--scope", "--authorize-url", "--set"),
    ],
    "login": ["--device", "--no-browser"],
    "token": ["--json", "--newer-than", "--min-ttl"],
    "refresh": [],
    "exec": [],
    "practice": [],
}
"""What others script: it may grow, and nothing of it may go."""


def commands(group: click.Group = vestal, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """All of them, by what is typed after `vestal`."""
    context = click.Context(group, info_name="vestal")
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield above + name, command
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")


def test_what_is_firm_is_there() -> None:
    there = {name: {option for each in command.params for option in each.opts} for name, command in commands()}
    for name, options in FIRM.items():
        assert set(options) <= there[name], name


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_option_has_help(name: str, command: click.Command) -> None:
    assert command.help
    assert command.name == name.rpartition(" ")[2]
    assert len(command.get_short_help_str(1000)) <= 64, "it is cut in `vestal --help`"
    assert f"### vestal {name}\n" in PAGE
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, parameter.name
            for option in parameter.opts:
                assert option in PAGE.partition(f"### vestal {name}\n")[2].partition("\n### ")[0], option


def test_the_page_is_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import reference; print(reference.cli(), end='')"],
        cwd=ROOT / "tools",
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == PAGE, "run `make docs`"


def test_help_names_every_command_exit_code_and_variable(cli: CLI) -> None:
    for told in (cli("--help"), cli(), cli("-h")):
        assert (told.code, told.err) == (0, "")
        for names in SECTIONS.values():
            for name in names:
                assert re.search(rf"^  {name} ", told.out, re.MULTILINE)
        for code in EXIT_CODES:
            assert re.search(rf"^  {code} ", told.out, re.MULTILINE)
        for variable in ENVIRONMENT:
            assert variable in told.out


def test_every_setting_that_the_code_reads_is_known() -> None:
    read: set[str] = set()
    for path in (ROOT / "src" / "vestal" / "oauth2").glob("*.py"):
        text = path.read_text("utf-8")
        read |= set(re.findall(r'settings\.get\("([a-z_]+)"', text))
        read |= set(re.findall(r'settings\.(?:flag|number|choice)\([a-z.]*app, "([a-z_]+)"', text))
        read |= set(re.findall(r'settings\["([a-z_]+)"\]', text))
        read |= set(re.findall(r'settings\.prefixed\([a-z.]*app, "([a-z_]+\.)"', text))
    assert len(read) > 15
    assert read <= set(SETTINGS) | set(PREFIXES)
    for name in [*SETTINGS, *(f"{prefix}NAME" for prefix in PREFIXES)]:
        assert f"| `{name}` |" in PAGE


def test_version_and_both_ways_to_start(cli: CLI) -> None:
    told = cli("--version")
    assert re.fullmatch(r"vestal \d+\.\d+\.\d+\n", told.out)
    script = Path(sys.executable).parent / "vestal"
    run = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, env=cli.environment)
    assert run.stdout == told.out
