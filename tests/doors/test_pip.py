from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from tests.doors.conftest import House, check
from tests.doors.guarded import Guarded, basic

WHEEL = "vestal_told-1.0-py3-none-any.whl"


def shim(house: House) -> None:
    """The program `keyring` of the page on other programs."""
    file = house.folder / "bin" / "keyring"
    file.write_text('#!/bin/sh\nexec vestal for keyring "$@"\n')
    file.chmod(0o755)


def index(guarded: Guarded, folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        told = "vestal_told-1.0.dist-info"
        wheel.writestr("vestal_told.py", "")
        wheel.writestr(f"{told}/METADATA", "Metadata-Version: 2.1\nName: vestal-told\nVersion: 1.0\n")
        wheel.writestr(f"{told}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{told}/RECORD", "")
    guarded.files = folder
    page = f'<!DOCTYPE html><html><body><a href="/{WHEEL}">{WHEEL}</a></body></html>'.encode()
    guarded.answers["/simple/vestal-told/"] = 200, {"Content-Type": "text/html"}, page


def test_pip_installs_from_a_private_index(house: House, guarded: Guarded, tmp_path: Path) -> None:
    shim(house)
    index(guarded, tmp_path / "wheels")
    house.names(guarded.host)
    guarded.allowed = {basic("oauth2", house.token)}
    run = house.run(
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "--disable-pip-version-check"),
        *("--keyring-provider", "subprocess", "--index-url", f"{guarded.url}/simple/", "-d", "got", "vestal-told"),
        env={"PIP_CONFIG_FILE": "/dev/null", "PYTHONWARNINGS": "ignore"},
    )
    check(run)
    assert (house.folder / "got" / WHEEL).exists()
    assert house.token not in run.stdout + run.stderr


def test_the_command_line_of_keyring(house: House) -> None:
    shim(house)
    house.names("packages.example.com", 'username = "robot"')
    url = "https://packages.example.com/simple/"
    assert check(house.run("keyring", "get", url, "robot")) == f"{house.token}\n"
    assert check(house.run("keyring", "--mode", "creds", "get", url)) == f"robot\n{house.token}\n"
    for words in (
        ("get", url, "somebody"),
        ("get", "http://packages.example.com/simple/", "robot"),
        ("get", "packages.example.com", "robot"),
        ("get", "https://elsewhere.example.com/", "robot"),
        ("set", url, "robot"),
    ):
        run = house.run("keyring", *words, input="x\n")
        assert (run.returncode, run.stdout, run.stderr) == (1, "", ""), words
