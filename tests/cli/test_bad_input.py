"""What people get wrong, and what goes wrong around them: one clear line, an exit code, nothing lost, no traceback."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.cli import disks
from tests.cli.conftest import CLI, add, add_robot
from vestal.testing.practice import PracticeServer


@pytest.mark.parametrize("command", ["token", "refresh", "show", "remove", "revoke", "login"])
def test_unknown_names(cli: CLI, command: str) -> None:
    cli(command, "nobody").fails(2, "nobody: ", "no credential of that name", "`vestal list`")


@pytest.mark.parametrize("name", ["", "a b", "../etc", "-x", "x" * 201, "a//b", "\x1b[31m"])
def test_impossible_names(cli: CLI, name: str) -> None:
    cli("token", "--", name).fails(2, "can't name a credential")


def test_unknown_commands_and_options(cli: CLI) -> None:
    cli("tokn", "x").fails(2, "no such command 'tokn'", "`vestal --help`")
    cli("token").fails(2, "missing argument 'NAME'", "`vestal token --help`")
    cli("token", "x", "--newer").fails(2, "--newer")
    cli("token", "x", "--newer-than", "-3").fails(2, "--newer-than")
    extra = cli("token", "x", "hunter2-is-secret").fails(2, "unexpected extra argument")
    assert "hunter2" not in extra.err
    secret = cli("add", "x", "--client-secret", "hunter2-is-secret").fails(2, "--client-secret")
    assert "hunter2" not in secret.err


def test_broken_configuration(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    config = cli.folder / "config.toml"
    for text, word in [
        ("[key\n", "config.toml"),
        ("[key]\nsource = 'moon'", "moon"),
        ("[kee]\nsource = 'file'", "kee"),
        ("key = 3", "config.toml"),
        ("\xff", "config.toml"),
    ]:
        config.write_bytes(text.encode("latin-1"))
        cli("token", "alice").fails(2, word)
    config.unlink()
    assert cli("token", "alice").code == 0


def test_a_broken_provider_file(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    (cli.folder / "providers.toml").write_text("[acme\n")
    cli("providers").fails(2, "providers.toml", "TOML")
    cli("add", "x", "--provider", "acme", "--client-id", "x").fails(2, "providers.toml")
    assert cli("token", "alice").code == 0  # which does not need it
    (cli.folder / "providers.toml").write_text('[acme]\ntoken_endpoint = "http://acme.example/token"\n')
    cli("add", "x", "--provider", "acme", "--client-id", "x").fails(2, "acme", "token_endpoint", "https")


def test_a_wrong_key(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    key = cli.folder / "key"
    right = key.read_text()
    for text, word in [
        (base64.b64encode(os.urandom(32)).decode(), "not at hand"),
        ("short", "no usable key"),
        ("", "empty"),
    ]:
        key.write_text(text)
        cli("token", "alice").fails(2, word)
    key.unlink()
    cli("token", "alice").fails(2, "is missing", "backup")
    cli("init").fails(2, "is missing", "backup")
    assert not key.exists()
    key.write_text(right)
    cli("token", "alice").fails(2, "can be read by others", "chmod 600")
    key.chmod(0o600)
    assert cli("token", "alice").code == 0


def test_one_record_that_can_not_be_read_hides_no_other(cli: CLI, server: PracticeServer) -> None:
    add(cli, server, "alice")
    add(cli, server, "bob")
    with sqlite3.connect(cli.folder / "store.db") as db:
        db.execute("UPDATE credentials SET sealed = zeroblob(64) WHERE name = 'alice'")
    db.close()
    listed = cli("list", "--json")
    assert listed.code == 2
    assert [(each["name"], each["state"]) for each in listed.json] == [("alice", "error"), ("bob", "idle")]
    assert listed.err.count("\n") == 1
    assert "alice" in cli("list").out
    assert cli("token", "bob").code == 0


def test_homes_that_are_none(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    add(cli, server)
    cli.folder.chmod(0o755)
    cli("token", "alice").fails(2, "can be read by others", "chmod 700")
    cli.folder.chmod(0o700)
    file = tmp_path / "file"
    file.touch()
    for home in (file, file / "below", Path("/proc/nowhere")):
        cli("list", env={"VESTAL_HOME": str(home)}).fails(2, "VESTAL_HOME")


def test_a_store_that_is_none(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    store = cli.folder / "store.db"
    kept = store.read_bytes()
    with sqlite3.connect(store) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    cli("token", "alice").fails(2, "schema 99", "newer Vestal")
    store.write_bytes(b"this is not a database, and never was one" * 100)
    cli("token", "alice").fails(2, "damaged")
    store.write_bytes(kept)
    assert cli("token", "alice").code == 0


def test_a_locked_store(cli: CLI, server: PracticeServer) -> None:
    refresh_token = add(cli, server)
    db = sqlite3.connect(cli.folder / "store.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    told = cli("token", "alice").fails(4, "is locked by another process")
    assert "wait" in told.err
    db.execute("ROLLBACK")
    db.close()
    assert server.counters.presented(refresh_token) == 0
    assert cli("token", "alice").code == 0


def test_a_read_only_disk(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.mkdir(mode=0o700)
    with disks.read_only(path) as disk:
        there = CLI(disk.folder / "home")
        refresh_token = add(there, server)
        disk.spoil()
        there("refresh", "alice", before=disk.before).fails(4, "store.db")
        there("remove", "alice", before=disk.before).fails(4)
        doctor = there("doctor", before=disk.before)
        assert (doctor.code, "read-only" in doctor.out) == (1, True), doctor
        assert server.counters.presented(refresh_token) == 0
        disk.mend()
        assert there("token", "alice").code == 0


def test_a_full_disk(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.mkdir(mode=0o700)
    with disks.full(path) as disk:
        there = CLI(disk.folder / "home")
        refresh_token = add(there, server)
        assert there("token", "alice").code == 0
        disk.spoil()
        there("refresh", "alice", before=disk.before).fails(4, "store.db", "full")
        there(
            "export", "-o", str(disk.folder / "export"), env={"VESTAL_EXPORT_PASSPHRASE": "x"}, before=disk.before
        ).fails(4)
        assert server.counters["redemptions"] == 1
        disk.mend()
        assert there("refresh", "alice").code == 0
        assert server.counters.redeemed(refresh_token) == 1
        assert server.counters["reuse_detected"] == 0
        assert not list(disk.folder.glob(".export*"))


def test_a_provider_that_can_not_be_reached(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    server.pause_listening()
    cli("token", "alice").fails(4, "alice: ", "127.0.0.1 can't be reached: Connection refused")
    cli("add", "x", "--issuer", server.url, "--client-id", "x").fails(4, "x: ", "can't be reached")
    server.resume_listening()
    cli("refresh", "alice")
    assert cli("token", "alice").code == 0
    assert server.counters["reuse_detected"] == 0


@pytest.mark.slow
def test_a_provider_that_does_not_answer(cli: CLI, server: PracticeServer) -> None:
    add_robot(cli, server)
    server.faults.add("token", "hang_before", times=None)
    cli("token", "robot").fails(4, "robot: ", "did not answer in time")


def test_keys_of_the_wrong_kind(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    def attempt(text: str, *options: str) -> str:
        key = tmp_path / "client-key"
        key.write_text(text)
        url = f"{server.url}/token"
        made = ("add", "x", "--token-url", url, "--client-id", "practice-jwt", "--key-file", str(key), *options)
        return cli(*made).fails(2, "x: ").err

    good = server.jwt_client_key_pem
    assert "can't be read" in attempt("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----")
    assert "can't sign" in attempt('{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}')
    assert "public" in attempt("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----")
    assert "OpenSSH" in attempt("-----BEGIN OPENSSH PRIVATE KEY-----\nb3\n-----END OPENSSH PRIVATE KEY-----")
    assert "RS256" in attempt(good, "--set", "assertion_algorithm=RS256")
    assert cli("list").out.startswith("there are no credentials")
    key = tmp_path / "client-key"
    key.write_text(good)
    made = cli("add", "x", "--token-url", f"{server.url}/token", "--client-id", "practice-jwt", "--key-file", str(key))
    assert made.code == 0, made
    assert cli("token", "x").code == 0


def test_a_closed_stdout_and_a_full_one(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    cli("token", "alice")
    with cli.start("show", "alice", "--json") as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert process.communicate()[1] == ""
    assert process.returncode == 141
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as nowhere:
            run = subprocess.run(
                cli.command("token", "alice"), stdout=nowhere, stderr=subprocess.PIPE, text=True, env=cli.environment
            )
        assert run.returncode == 4
        assert run.stderr == "vestal: the output can't be written: No space left on device (free some space)\n"
