from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vestal.daemon.process.systemd import unit

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="takes systemd-analyze")


def verify(text: str, folder: Path) -> str:
    """What systemd says of a unit."""
    path = folder / "vestal.service"
    path.write_text(text)
    run = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"XDG_RUNTIME_DIR": str(folder), "HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    return "\n".join(line for line in run.stderr.splitlines() if "vestal.service" in line) + f"{run.returncode}"


@needs_systemd
@pytest.mark.parametrize("name", ["plain", 'a b "c" \\d', "100%h $HOME", "#;'"])
def test_systemd_takes_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    tool = folder / "python"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    text = unit([str(tool), "-m", "vestal", "serve"], {"VESTAL_HOME": str(folder)}, [folder])
    assert verify(text, tmp_path) == "0"


@needs_systemd
def test_systemd_finds_a_wrong_one(tmp_path: Path) -> None:
    text = unit(["/no/such/python"], {}, [tmp_path]).replace("NoNewPrivileges=yes", "NoNewPrivileges=perhaps")
    assert verify(text, tmp_path) != "0"


@needs_systemd
def test_it_is_hardened(tmp_path: Path) -> None:
    path = tmp_path / "vestal.service"
    path.write_text(unit(["/bin/true"], {"VESTAL_HOME": "/h"}, [Path("/h")]))
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=40", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr


def test_it_holds_what_it_was_given() -> None:
    lines = unit(
        ["/py", "serve", "--tcp=127.0.0.1:1"], {"VESTAL_HOME": "/a b"}, [Path("/a b"), Path("/c")]
    ).splitlines()
    assert "ExecStart=/py serve --tcp=127.0.0.1:1" in lines
    assert 'Environment="VESTAL_HOME=/a b"' in lines
    assert 'ReadWritePaths="/a b" /c' in lines
