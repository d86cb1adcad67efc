"""Real git clones and fetches a private repository with tokens of an App's installation."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.github.command import GitHubCLI, private_folder
from tests.github.git_server import GitServer
from tests.github.stub.apps import Installation
from tests.github.stub.server import Stub


@dataclass
class Desk:
    """Somebody's machine, with git and Vestal set up."""

    folder: Path
    stub: Stub
    server: GitServer
    cli: GitHubCLI
    installation: Installation

    def git(self, *arguments: str, app: str = "") -> subprocess.CompletedProcess[str]:
        helper = f"!{shlex.join(self.cli.command('github', 'git-credential', *app.split()))}"
        settings = {
            "credential.helper": helper,
            "credential.useHttpPath": "true",
            "user.email": "a@b",
            "user.name": "A",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        clean = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
        return subprocess.run(
            ["git", *options, *arguments],
            env={**self.cli.environment, **clean},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def url(self, repository: str) -> str:
        return f"{self.server.url}/{repository}.git"

    @property
    def mints(self) -> int:
        return int(self.stub.state()["mints"][str(self.installation.id)])

    def ask(self, operation: str, *options: str, **question: str) -> str:
        lines = {"protocol": "http", "host": self.server.url.removeprefix("http://"), **question}
        text = "".join(f"{key}={value}\n" for key, value in lines.items()) + "\n"
        told = self.cli.github("git-credential", *options, operation, input=text)
        assert (told.code, told.err) == (0, ""), told
        return told.out


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Stub(pulls=1) as stub, GitServer(stub, tmp_path / "repositories") as server:
        app = stub.add_app("acme-bot")
        installation = stub.install(app, "acme")
        cli = GitHubCLI(private_folder(tmp_path / "home"), stub)
        key = tmp_path / "key.pem"
        key.write_text(app.private_key)
        told = cli.github(
            *("add-app", "acme-bot", "--client-id", app.client_id, "--key-file", str(key), "--base-url", server.url)
        )
        assert told.out == "acme-bot: added (acme-bot, 1 installation: acme)\n", told
        desk = Desk(tmp_path, stub, server, cli, installation)
        bare = tmp_path / "repositories" / "acme" / "secret.git"
        for arguments in (
            ("init", "--quiet", "--bare", "--initial-branch=main", str(bare)),
            ("init", "--quiet", "--initial-branch=main", "origin"),
            ("-C", "origin", "commit", "--quiet", "--allow-empty", "-m", "The first"),
            ("-C", "origin", "push", "--quiet", str(bare), "main"),
        ):
            assert desk.git(*arguments).returncode == 0
        yield desk


def test_git_clones_and_fetches_a_private_repository(desk: Desk) -> None:
    cloned = desk.git("clone", desk.url("acme/secret"), "copy")
    assert cloned.returncode == 0, cloned
    assert [status for _, status in desk.server.log][:2] == [401, 200], "git asks without a token first"
    bare = str(desk.folder / "repositories" / "acme" / "secret.git")
    assert desk.git("-C", "origin", "commit", "-q", "--allow-empty", "-m", "The second").returncode == 0
    assert desk.git("-C", "origin", "push", "-q", bare, "main").returncode == 0
    assert desk.git("-C", "copy", "pull", "-q").returncode == 0
    assert desk.git("-C", "copy", "log", "--format=%s").stdout == "The second\nThe first\n"
    assert desk.mints == 1
    assert "ghs_" not in (desk.folder / "copy" / ".git" / "config").read_text()


def test_a_refused_token_is_replaced_for_the_next_time(desk: Desk) -> None:
    assert desk.git("clone", "-q", desk.url("acme/secret"), "copy").returncode == 0
    for token in desk.stub.service.tokens.of(desk.installation.owner):
        desk.stub.revoke(token.value)
    assert "Authentication failed" in desk.git("-C", "copy", "fetch").stderr
    assert desk.mints == 2, "git has told, by erase, that it was refused"
    assert desk.git("-C", "copy", "fetch").returncode == 0
    assert desk.mints == 2


def test_a_repository_that_the_app_does_not_reach(desk: Desk) -> None:
    told = desk.git("clone", desk.url("octocat/hello"), "copy")
    assert told.returncode != 0
    assert "vestal: the app is not installed on octocat/hello, or there is no such repository" in told.stderr
    assert "Traceback" not in told.stderr


def test_what_git_is_told(desk: Desk) -> None:
    lines = desk.ask("get", path="acme/secret.git").splitlines()
    assert [line.partition("=")[0] for line in lines] == ["username", "password", "password_expiry_utc"]
    assert lines[0] == "username=x-access-token"
    assert desk.stub.service.tokens.find(lines[1].removeprefix("password=")).installation_id == desk.installation.id
    assert desk.ask("get", "--installation", str(desk.installation.id)).splitlines() == lines
    assert desk.ask("get", "--app", "acme-bot", path="acme/secret.git/info/lfs").splitlines() == lines


@pytest.mark.parametrize("operation", ["get", "erase", "store", "capability"])
@pytest.mark.parametrize("question", [{"host": "example.com"}, {"protocol": "ssh"}, {"username": "somebody"}])
def test_what_is_not_ours_is_left_to_others(desk: Desk, operation: str, question: dict[str, str]) -> None:
    assert desk.ask(operation, **{"path": "acme/secret.git", "password": "x", **question}) == ""
    assert desk.mints == 0


def test_the_repository_must_be_known(desk: Desk) -> None:
    host = desk.server.url.removeprefix("http://")
    told = desk.cli.github("git-credential", "get", input=f"protocol=http\nhost={host}\n\n")
    told.fails(2, "git did not say which repository", "credential.useHttpPath")


def test_a_password_of_somebody_else_says_nothing_of_ours(desk: Desk) -> None:
    desk.ask("get", path="acme/secret.git")
    assert desk.ask("erase", path="acme/secret.git", username="x-access-token", password="another") == ""
    assert desk.mints == 1


def test_a_carriage_return_in_an_address_does_not_get_the_token_for_another_host(desk: Desk) -> None:
    """CVE-2024-52006: `https://evil.example/x%0dhost=...%0dpath=...`, as a git before 2.48.1 tells of it."""
    host = desk.server.url.removeprefix("http://")
    assert desk.ask("get", host="evil.example", path=f"x\rhost={host}\rpath=acme/secret.git") == ""


def test_bytes_that_are_no_text_are_no_reason_to_fall_over(desk: Desk) -> None:
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    told = desk.cli.github("git-credential", "get", input=b"protocol=http\nhost=\xff\xfe\n\n", env=strict)
    assert (told.code, told.out, told.err) == (0, "", "")
