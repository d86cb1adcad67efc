"""What the documentation says, works: its commands and programs are run as they stand there."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.docs.session import ROOT, Shell, blocks, commands, matches
from vestal.testing.practice import PracticeServer

PORT_IN_THE_DOCS = "8399"


@pytest.fixture
def server() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A private folder: `VESTAL_HOME` may not be open to others."""
    folder = tmp_path / "work"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def shell(folder: Path) -> Iterator[Shell]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VESTAL")}
    shell = Shell(folder, {**environment, "VESTAL_HOME": str(folder / "home")})
    yield shell
    shell.close()


def test_the_tutorial(server: PracticeServer, shell: Shell, folder: Path) -> None:
    """From its first block to its last, in one shell; the practice server runs already, at another port."""
    port = server.url.rpartition(":")[2]
    ran = 0
    for block in blocks("docs/tutorial.md"):
        text = block.text.replace(PORT_IN_THE_DOCS, port)
        if block.language == "python":
            (folder / "program.py").write_text(text)
            printed = shell.run("python program.py; echo exit $?")
            assert printed.rstrip().endswith("exit 0"), printed
            ran += 1
            continue
        assert block.language == "console"
        for command, shown in commands(type(block)(block.language, text)):
            if command.startswith("vestal practice"):
                check_options(command)
                continue
            printed = shell.run(command)
            assert matches(shown, printed), f"$ {command}\n{printed}"
            ran += 1
    assert ran == 12


def check_options(command: str) -> None:
    """A command that runs until it is stopped: only see that its options are known."""
    words = [word for word in shlex.split(command) if not word.isdigit()]
    words[0] = str(Path(sys.executable).parent / words[0])
    helped = subprocess.run([*words[:2], "--help"], capture_output=True, text=True, check=True).stdout
    for word in words[2:]:
        assert word in helped


def test_the_first_screen_of_the_readme(server: PracticeServer, shell: Shell, folder: Path) -> None:
    python, sh = blocks("README.md")[:2]
    assert (python.language, sh.language) == ("python", "sh")
    add, login, curl = sh.text.splitlines()

    # As it stands there, but for the login, which needs Spotify.
    assert "spotify" in shell.run(f"export ID=my-app SPOTIFY_SECRET=s; {add}")
    assert "login" in shell.run("vestal token spotify")
    assert login.startswith("vestal login spotify")
    check_options("vestal login --device")

    # The practice server stands in for Spotify.
    (folder / "refresh").write_text(server.issue_refresh_token("practice"))
    (folder / "secret").write_text("practice-secret")
    shell.run(
        f"vestal add spotify --replace --token-url {server.url}/token --client-id practice"
        " --client-secret-file secret --refresh-token-file refresh"
    )
    (folder / "program.py").write_text(python.text.replace("https://api.spotify.com/v1/me", f"{server.url}/resource"))
    printed = shell.run("python program.py; echo exit $?")
    assert printed.rstrip().endswith("exit 0"), printed
    printed = shell.run(curl.replace("https://api.spotify.com/v1/me", f"-s {server.url}/resource"))
    assert '"version"' in printed or "practice" in printed, printed
    assert server.counters["resource.200"] == 2
    assert server.counters["redemptions"] == 1


def test_how_to_add_a_provider(server: PracticeServer, shell: Shell, folder: Path) -> None:
    page = "docs/how-to/add-a-provider.md"
    toml = next(block for block in blocks(page) if block.language == "toml")
    (folder / "home").mkdir(mode=0o700)
    (folder / "home" / "providers.toml").write_text(toml.text)
    text = (ROOT / page).read_text().replace("\\\n", " ")
    found = re.findall(r"^ {4}(vestal .*)$", text, re.MULTILINE)
    assert len(found) == 5
    for number, command in enumerate(found):
        if command.startswith("vestal login"):
            continue
        command = re.sub(r"https://login\.example\.com/realms/acme", server.url, command)
        command = command.replace("vestal add work", f"ACME_SECRET=s vestal add work{number}")
        printed = shell.run(f"{command}; echo exit $?")
        assert printed.rstrip().endswith("exit 0"), f"$ {command}\n{printed}"
    assert "acme" in shell.run("vestal show work4 --json")


def test_how_to_plug_in_a_provider(folder: Path) -> None:
    """The class of the page, in a package with the entry point of the page, and the real sender."""
    page = (ROOT / "docs/how-to/add-a-provider.md").read_text()
    program = next(block.text for block in blocks("docs/how-to/add-a-provider.md") if block.language == "python")
    (folder / "acme_vestal.py").write_text(program)
    entry = re.search(r"^ +(acme-sessions) = \"(.*)\"$", page, re.MULTILINE)
    assert entry is not None
    metadata = folder / "acme_vestal-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-vestal\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[vestal.providers]\n{entry[1]} = {entry[2]}\n")
    (folder / "key").write_text("the-api-key")
    with sessions() as (url, asked):
        environment = {**os.environ, "VESTAL_HOME": str(folder / "home"), "PYTHONPATH": str(folder)}
        for arguments in (
            ["add", "work", "--provider", "acme-sessions", "--client-secret-file", "key", "--set", f"url={url}"],
            ["token", "work"],
        ):
            run = subprocess.run(
                [sys.executable, "-m", "vestal", *arguments],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
            )
            assert run.returncode == 0, run.stderr
    assert run.stdout == "session-1\n"
    assert asked == [{"api_key": "the-api-key"}]


@contextmanager
def sessions() -> Iterator[tuple[str, list[object]]]:
    """ACME's API: its address, and what it was asked."""
    asked: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps({"token": f"session-{len(asked)}", "ttl": 600}).encode()
            self.send_response(201)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/sessions", asked
        server.shutdown()
        thread.join()


def test_how_to_test_your_client(server: PracticeServer, shell: Shell, folder: Path) -> None:
    page = "docs/how-to/test-your-client.md"
    for block in blocks(page):
        if block.language == "python":
            (folder / "program.py").write_text(block.text)
            printed = shell.run("python program.py; echo exit $?")
            assert printed.rstrip().endswith("exit 0"), printed
        else:
            for command in block.text.replace(f"127.0.0.1:{PORT_IN_THE_DOCS}", server.url[7:]).splitlines():
                printed = shell.run(f"KEY={server.control_key}; {command.replace('curl', 'curl -sSf')}; echo exit $?")
                assert printed.rstrip().endswith("exit 0"), f"$ {command}\n{printed}"
    assert server.counters["faults.status"] == 0
    assert server.faults.take("token") is not None  # the one that curl has added


LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize(
    "page", sorted(str(p.relative_to(ROOT)) for p in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
)
def test_links_lead_somewhere(page: str) -> None:
    for target in LINK.findall((ROOT / page).read_text()):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
