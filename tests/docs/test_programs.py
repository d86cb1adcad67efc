"""The page on other programs: its commands, run as they stand there but for the hosts."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator

import pytest

from tests.docs.session import Shell, blocks, commands, matches
from tests.doors.conftest import House, check
from tests.doors.guarded import Guarded, basic
from tests.doors.test_daemon import daemon
from tests.doors.test_git import repository
from tests.doors.test_pip import WHEEL, index, shim
from vestal.testing.practice import PracticeServer

PAGE = "docs/how-to/use-from-other-programs.md"


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with PracticeServer() as server:
        yield House(tmp_path_factory.mktemp("reader"), server)


def test_the_page(house: House) -> None:
    token = house.token
    with Guarded() as git, Guarded() as api, Guarded() as packages:
        git.files = house.folder / "served"
        repository(house, git.files)
        index(packages, house.folder / "wheels")
        git.allowed, packages.allowed = {basic("oauth2", token)}, {basic("robot", token)}
        api.allowed = {f"Bearer {token}"}
        api.answers["/me"] = 200, {}, b"it is me"

        def here(text: str) -> str:
            for host, guarded in (("git", git), ("api", api), ("packages", packages)):
                text = text.replace(f"https://{host}.example.com", guarded.url)
                text = text.replace(f"{host}.example.com", guarded.host)
            return text

        found = blocks(PAGE)
        toml = next(block.text for block in found if block.language == "toml")
        (house.cli.folder / "hosts.toml").write_text(here(toml))
        shim(house)
        assert next(b.text for b in found if b.language == "sh") == (house.folder / "bin" / "keyring").read_text()
        shell = Shell(house.folder, {**house.environment, "PIP_CONFIG_FILE": "/dev/null", "PYTHONWARNINGS": "ignore"})
        ran = 0
        for block in found:
            if block.language != "console":
                continue
            for command, shown in commands(block):
                if shutil.which(command.split()[0], path=house.environment["PATH"]) is None:
                    continue
                printed = shell.run(here(command))
                shown = re.sub(r"\.\.\.\n\Z", "...", shown)
                assert matches(shown, printed), f"$ {command}\n{printed}"
                ran += 1
        shell.close()
        program = next(block.text for block in found if block.language == "python")
        with daemon(house):
            assert check(house.run(sys.executable, "-c", here(program))) == "200\n"
    assert ran >= 9
    assert (house.folder / WHEEL).exists()
