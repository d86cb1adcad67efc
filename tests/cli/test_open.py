"""`vestal open`, over real daemons."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.cli.conftest import CLI


@pytest.fixture
def daemon(cli: CLI) -> Iterator[CLI]:
    assert cli("init").code == 0
    yield cli
    cli("stop")


def test_without_a_daemon(cli: CLI) -> None:
    cli("open").fails(2, "no daemon runs", "vestal start --tcp")


def test_a_daemon_that_no_browser_reaches(daemon: CLI) -> None:
    assert daemon("start").code == 0
    daemon("open").fails(2, "Unix socket only", "vestal restart --tcp")
    assert json.loads(daemon("open", "--json").err)["credential"] is None


def test_the_link_opens_the_dashboard(daemon: CLI) -> None:
    assert daemon("start", "--tcp", "127.0.0.1:0").code == 0
    url = json.loads(daemon("status", "--json").out)["url"]
    result = daemon("open", "--no-browser")
    assert (result.code, result.err) == (0, "")
    link = result.out.strip()
    assert link.startswith(f"{url}/dashboard/open/")
    with urlopen(link) as answer:
        assert answer.status == 200
        assert "HttpOnly" in answer.headers["Set-Cookie"]
    told = daemon("open", "--json").json
    assert told["url"].startswith(f"{url}/dashboard/open/")
    assert told["url"] != link
    assert told["expires_in"] == 300


def test_the_browser_is_started_with_a_file_of_ours(daemon: CLI, tmp_path: Path) -> None:
    """What a process is started with, every user of the machine can see."""
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    browser.chmod(0o755)
    assert daemon("start", "--tcp", "127.0.0.1:0").code == 0
    result = daemon("open", env={"BROWSER": f"{browser} %s"})
    assert result.code == 0
    link = result.out.strip()
    opened = seen.read_text().strip()
    assert opened.startswith("file://")
    assert "/open/" not in opened
    page = Path(opened.removeprefix("file://"))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert link in page.read_text()
