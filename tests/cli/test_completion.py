from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.cli.conftest import CLI, add
from vestal.testing.practice import PracticeServer


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script(cli: CLI, shell: str) -> None:
    made = cli("completion", shell)
    assert (made.code, made.err) == (0, "")
    assert "_VESTAL_COMPLETE" in made.out
    assert f"{shell}_complete" in made.out
    if shutil.which(shell) is None:
        assert os.environ.get("CI") != "true", f"{shell} is missing: `make test` installs it"
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n"], input=made.out, text=True, check=True, capture_output=True)


def test_bash_completes(cli: CLI, server: PracticeServer) -> None:
    """The script in a real bash, with the words as bash splits them."""
    add(cli, server, "alice")
    add(cli, server, "albert")
    script = cli("completion", "bash").out
    python = cli.command()[0]

    def complete(line: str) -> list[str]:
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        program = (
            f'{script}\nvestal() {{ {python} -m vestal "$@"; }}\n'
            f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _vestal_completion {cli.folder.parent}/vestal\n"
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        vestal = cli.folder.parent / "vestal"
        vestal.write_text(f'#!/bin/sh\nexec {python} -m vestal "$@"\n')
        vestal.chmod(0o700)
        run = subprocess.run(["bash", "-c", program], env=cli.environment, capture_output=True, text=True, check=True)
        assert run.stderr == ""
        return run.stdout.split()

    assert complete("vestal tok") == ["token"]
    assert complete("vestal token al") == ["albert", "alice"]
    assert complete("vestal token alice --newer") == ["--newer-than"]
    assert complete("vestal exec ali") == ["alice"]
    assert complete("vestal add x --provider spoti") == ["spotify"]
    assert complete("vestal providers micro")[0].startswith("microsoft")
    assert complete("vestal add x --grant device") == ["device_code"]
    assert cli("key", "add", "grafana", "--credential", "*").code == 0
    assert complete("vestal key revoke g") == ["grafana"]
    assert complete("vestal key add x --credential al") == ["albert", "alice"]
    assert complete("vestal key add x --action token,r") == ["token,refresh"]
    cli.environment["VESTAL_HOME"] = str(cli.folder / "nowhere")
    assert complete("vestal key revoke g") == []
    assert complete("vestal token al") == []
    assert not (cli.folder / "nowhere").exists()
