from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CLI, add, add_robot
from vestal.cli.commands.exec import _variables
from vestal.core.errors import ConfigError
from vestal.testing.practice import PracticeServer

SHOW = "import json, os, sys; print(json.dumps([dict(os.environ), sys.argv[1:], sys.stdin.read()])); sys.exit(7)"


def test_tokens_are_in_the_environment_and_nowhere_else(cli: CLI, server: PracticeServer) -> None:
    add(cli, server, "acme-bot/42")
    add_robot(cli, server)
    tokens = [cli("token", name).out.strip() for name in ("acme-bot/42", "robot")]
    ran = cli(
        *("exec", "acme-bot/42", "robot=API", "--", sys.executable, "-c", SHOW, "--json", "--", "a b"),
        input="what comes in",
        env={"KEEP": "me"},
    )
    assert (ran.code, ran.err) == (7, "")
    environment, arguments, stdin = json.loads(ran.out)
    assert [environment["ACME_BOT_42_TOKEN"], environment["API"]] == tokens
    assert environment["KEEP"] == "me"
    assert arguments == ["--json", "--", "a b"]
    assert stdin == "what comes in"
    assert len([value for value in environment.values() if value in tokens]) == 2


def test_commands_that_can_not_be_run(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    add_robot(cli, server)
    cli("exec", "robot", "--", "no-such-command").fails(127, "no-such-command: there is no such command")
    cli("exec", "robot", "--", str(tmp_path)).fails(126, "Permission denied")
    plain = tmp_path / "plain"
    plain.write_text("no program")
    cli("exec", "robot", "--", str(plain)).fails(126, "Permission denied")
    cli("exec", "robot").fails(2, "no command to run")
    cli("exec", "robot", "--").fails(2, "no command to run")
    cli("exec", "--", "true").fails(2, "missing argument")
    cli("exec", "robot", "nobody", "--", "true").fails(2, "nobody: ")


def test_variables() -> None:
    assert _variables(["spotify"]) == {"SPOTIFY_TOKEN": "spotify"}
    assert _variables(["a.b@c/d", "x=Y_1"]) == {"A_B_C_D_TOKEN": "a.b@c/d", "Y_1": "x"}
    assert _variables(["42"]) == {"_42_TOKEN": "42"}


@pytest.mark.parametrize("names", [["a-b", "a.b"], ["a=X", "b=X"], ["a="], ["a=1X"], ["a=X-Y"], ["=X"]])
def test_variables_that_do_not_work(names: list[str]) -> None:
    with pytest.raises(ConfigError):
        _variables(names)
