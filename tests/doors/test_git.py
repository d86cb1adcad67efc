from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.doors.conftest import House, check
from tests.doors.guarded import Guarded, basic


def repository(house: House, folder: Path) -> None:
    """A repository that can be cloned from files (git's "dumb" HTTP protocol)."""
    work = house.folder / "work"
    house.environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    who = ("-c", "user.name=x", "-c", "user.email=x@example.com")
    check(house.run("git", "init", "-q", "-b", "main", str(work)))
    (work / "hello").write_text("hello\n")
    check(house.run("git", "-C", str(work), "add", "hello"))
    check(house.run("git", "-C", str(work), *who, "commit", "-q", "-m", "one"))
    check(house.run("git", "clone", "-q", "--bare", str(work), str(folder / "acme" / "hello.git")))
    check(house.run("git", "-C", str(folder / "acme" / "hello.git"), "update-server-info"))


def helper(house: House, guarded: Guarded, command: str) -> None:
    check(house.run("git", "config", "--global", f"credential.{guarded.url}.helper", command))


def test_a_clone_of_a_private_repository(house: House, guarded: Guarded, tmp_path: Path) -> None:
    guarded.files = tmp_path / "served"
    repository(house, guarded.files)
    house.names(guarded.host)
    helper(house, guarded, "!vestal for git")
    guarded.allowed = {basic("oauth2", house.token)}
    check(house.run("git", "clone", "-q", f"{guarded.url}/acme/hello.git", "cloned"))
    assert (house.folder / "cloned" / "hello").read_text() == "hello\n"
    assert house.server.counters["redemptions"] == 1


def test_a_token_that_was_refused_is_replaced(house: House, guarded: Guarded, tmp_path: Path) -> None:
    guarded.files = tmp_path / "served"
    repository(house, guarded.files)
    helper(house, guarded, f"!vestal for git --credential acme --host {guarded.host} --username me")
    first = house.token
    assert house.run("git", "clone", "-q", f"{guarded.url}/acme/hello.git", "cloned").returncode != 0
    assert house.token != first
    guarded.allowed = {basic("me", house.token)}
    check(house.run("git", "clone", "-q", f"{guarded.url}/acme/hello.git", "cloned"))


def test_nothing_is_said_of_a_host_that_is_not_named(house: House, guarded: Guarded, tmp_path: Path) -> None:
    house.names("git.example.com")
    helper(house, guarded, "!vestal for git")
    run = house.run("git", "ls-remote", f"{guarded.url}/acme/hello.git", env={"GIT_TERMINAL_PROMPT": "0"})
    assert run.returncode != 0
    assert house.token not in "".join(authorization for _, authorization, _ in guarded.seen)
    assert basic("oauth2", house.token) not in {authorization for _, authorization, _ in guarded.seen}


def test_git_fill_gives_the_expiry(house: House, guarded: Guarded) -> None:
    house.names("git.example.com", 'username = "me"')
    run = house.run("vestal", "for", "git", "get", input="protocol=https\nhost=git.example.com\n\n")
    lines = dict(line.split("=", 1) for line in check(run).splitlines())
    assert lines["username"] == "me"
    assert lines["password"] == house.token
    assert set(lines) == {"username", "password", "password_expiry_utc"}
    house.environment["GIT_CONFIG_NOSYSTEM"] = "1"
    check(house.run("git", "config", "--global", "credential.helper", "!vestal for git"))
    filled = check(house.run("git", "credential", "fill", input="protocol=https\nhost=git.example.com\n\n"))
    assert f"password={house.token}\n" in filled


def version() -> tuple[int, ...]:
    """Of the git in the PATH."""
    told = subprocess.run(["git", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\d+(\.\d+)+", told)
    return tuple(map(int, found[0].split("."))) if found else ()


@pytest.mark.skipif(version() < (2, 46), reason="this git sends no bearer tokens: 2.46 is the first that does")
@pytest.mark.parametrize(
    ("challenge", "line"), [('Bearer realm="x"', ""), ('Basic realm="x"', "bearer = true")], ids=["asked", "told"]
)
def test_a_git_that_can_sends_a_bearer_token(house: House, tmp_path: Path, challenge: str, line: str) -> None:
    """Asked for the branches only: for the objects of the "dumb" protocol, git itself leaves the header out."""
    with Guarded(challenge) as guarded:
        guarded.files = tmp_path / "served"
        repository(house, guarded.files)
        house.names(guarded.host, line)
        helper(house, guarded, "!vestal for git")
        first = house.token
        assert house.run("git", "ls-remote", f"{guarded.url}/acme/hello.git").returncode != 0
        assert f"Bearer {first}" in {authorization for _, authorization, _ in guarded.seen}
        assert house.token != first  # git said that it was refused
        guarded.allowed = {f"Bearer {house.token}"}
        told = check(house.run("git", "ls-remote", f"{guarded.url}/acme/hello.git"))
        assert "refs/heads/main" in told


def test_a_git_that_can_gets_a_bearer_token(house: House) -> None:
    house.names("git.example.com", "bearer = true")
    asked = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=git.example.com\n\n"
    told = check(house.run("vestal", "for", "git", "get", input=asked)).splitlines()
    assert told[:4] == ["capability[]=authtype", "authtype=Bearer", f"credential={house.token}", "ephemeral=1"]
    assert told[4].startswith("password_expiry_utc=")
    erased = (
        f"capability[]=authtype\nauthtype=Bearer\ncredential={house.token}\nprotocol=https\nhost=git.example.com\n\n"
    )
    before = house.token
    check(house.run("vestal", "for", "git", "erase", input=erased))
    assert house.token != before
