"""init, list, show, remove, doctor, rotate-key: the home and what is in it."""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import threading

import pytest

from tests.cli.conftest import CLI, add, add_robot, age
from vestal.testing.practice import PracticeServer

RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_init(cli: CLI) -> None:
    assert cli("init").out == f"{cli.folder}: made, with a key and a store\n"
    assert {path.name: path.stat().st_mode & 0o777 for path in cli.folder.iterdir()} == {
        "key": 0o600,
        "store.db": 0o600,
        "locks": 0o700,
    }
    assert cli.folder.stat().st_mode & 0o777 == 0o700
    assert cli("init").out == f"{cli.folder}: all is there\n"
    again = cli("init", "--json").json
    assert (again["home"], again["made"], again["credentials"]) == (str(cli.folder), False, 0)
    assert cli("init", "--key", "file").code == 0
    cli("init", "--key", "environment").fails(2, "comes from file", "vestal export")


def test_a_key_in_the_environment(cli: CLI, server: PracticeServer) -> None:
    cli("init", "--key", "environment").fails(2, "$VESTAL_KEY", "not set")
    key = {"VESTAL_KEY": base64.b64encode(os.urandom(32)).decode()}
    assert cli("init", env=key).code == 0
    cli.environment |= key
    add(cli, server)
    assert not (cli.folder / "key").exists()
    assert cli("token", "alice").code == 0
    cli("rotate-key").fails(2, "VESTAL_KEY", "--reseal-only")
    newer = base64.b64encode(os.urandom(32)).decode()
    cli.environment["VESTAL_KEY"] = f"{newer},{key['VESTAL_KEY']}"
    assert cli("rotate-key", "--reseal-only", "--json").json["resealed"] == 1
    cli.environment["VESTAL_KEY"] = newer
    assert cli("token", "alice").code == 0


def test_a_key_made_of_a_passphrase(cli: CLI, server: PracticeServer) -> None:
    cli("init", "--key", "passphrase").fails(2, "VESTAL_PASSPHRASE")
    cli.environment["VESTAL_PASSPHRASE"] = "correct horse"
    assert cli("init", "--key", "passphrase").code == 0
    add(cli, server)
    assert cli("token", "alice").code == 0
    cli("token", "alice", env={"VESTAL_PASSPHRASE": "wrong"}).fails(2, "not at hand")


def test_list(cli: CLI, server: PracticeServer) -> None:
    nothing = cli("list")
    assert (nothing.code, nothing.out) == (0, "there are no credentials yet\n")
    assert cli("list", "--json").json == []
    add(cli, server, "bob")
    add_robot(cli, server, "alice")
    cli("token", "alice")
    lines = cli("list").out.splitlines()
    assert lines[0].split() == ["NAME", "PROVIDER", "STATE", "TOKEN", "EXPIRES", "VERSION", "REFRESHED"]
    assert lines[1].split()[:4] == ["alice", server.url.removeprefix("http://"), "idle", "valid"]
    assert lines[2].split()[:4] == ["bob", server.url.removeprefix("http://"), "idle", "missing"]
    assert [each["name"] for each in cli("list", "--json").json] == ["alice", "bob"]


def test_show(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    cli("token", "alice")
    shown = cli("show", "alice", "--json").json
    firm = ["name", "provider", "state", "token_state", "version", "created_at", "refreshed_at", "refresh_count"]
    assert list(shown)[:9] == [*firm, "last_error"]
    assert (shown["name"], shown["state"], shown["token_state"]) == ("alice", "idle", "valid")
    assert (shown["version"], shown["refresh_count"], shown["last_error"]) == (1, 1, None)
    for name in ("created_at", "refreshed_at", "expires_at", "next_refresh_at"):
        assert re.fullmatch(RFC3339, shown[name]), name
    assert shown["created_at"] <= shown["refreshed_at"] < shown["next_refresh_at"] < shown["expires_at"]
    assert shown["rotating"] is True
    assert [line["what"] for line in shown["history"]] == ["refresh"]
    text = cli("show", "alice")
    assert text.out.startswith("name")
    assert "state" in text.out
    for told in (text.out, json.dumps(shown)):
        assert cli("token", "alice").out.strip() not in told


def test_show_tells_of_errors(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    server.faults.add("token", "rate_limit", retry_after="300")
    cli("token", "alice").fails(4)
    shown = cli("show", "alice", "--json").json
    assert (shown["state"], shown["token_state"], shown["failures"]) == ("error", "missing", 1)
    error = shown["last_error"]
    assert list(error)[:4] == ["category", "message", "at", "remedy"]
    assert error["category"] == "RATE_LIMIT_EXCEEDED"
    assert re.fullmatch(RFC3339, error["at"])
    assert shown["next_refresh_at"] == error["retry_at"] > error["at"]
    assert "RATE_LIMIT_EXCEEDED" in cli("show", "alice").out


def test_token_states(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    cli("token", "alice")
    for older, state in [(0, "valid"), (45, "expiring"), (30, "expired")]:
        age(cli, "alice", older)
        assert cli("show", "alice", "--json").json["token_state"] == state


def test_remove(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    assert cli("remove", "alice").out == "alice: removed\n"
    cli("show", "alice").fails(2, "no credential of that name")
    add(cli, server)
    assert cli("remove", "alice", "--json").json == {"name": "alice", "removed": True}


def test_doctor_finds_nothing(cli: CLI, server: PracticeServer) -> None:
    fresh = cli("doctor")
    assert (fresh.code, fresh.err) == (0, "")
    assert not list(cli.folder.iterdir()), "it makes nothing"
    add(cli, server)
    cli("token", "alice")
    told = cli("doctor", "--json").json
    assert told["healthy"] is True
    checks = [finding["check"] for finding in told["findings"]]
    assert checks == ["versions", "home", "key", "store", "alice", "clock"]
    assert cli("doctor").out.endswith("all is well\n")


def test_doctor_finds_everything(cli: CLI, server: PracticeServer) -> None:
    def finds(check: str, level: str, *words: str) -> None:
        told = cli("doctor", "--json")
        found = [each for each in told.json["findings"] if each["check"] == check and each["level"] == level]
        assert found, told.out
        for word in words:
            assert word in f"{found[0]['message']} {found[0]['remedy']}", found
        assert told.code == int(level == "trouble")
        assert told.json["healthy"] is (level != "trouble")
        assert cli("doctor").code == told.code

    refresh_token = add(cli, server)
    add(cli, server, "bob")
    cli("token", "bob")
    cli("token", "alice")
    server.revoke_family(refresh_token)
    cli("refresh", "alice").fails(3)
    finds("alice", "trouble", "needs login", "`vestal login alice`")
    cli("remove", "alice")
    age(cli, "bob", 100)
    finds("bob", "note", "has expired", "`vestal token`")
    age(cli, "bob", -86400)
    finds("clock", "trouble", "behind", "bob")
    cli("remove", "bob")
    (cli.folder / "config.toml").write_text("[key")
    finds("key", "trouble", "config.toml")
    (cli.folder / "config.toml").unlink()
    (cli.folder / "providers.toml").write_text("[key")
    finds("providers", "trouble", "providers.toml")
    (cli.folder / "providers.toml").unlink()
    (cli.folder / "key").chmod(0o644)
    finds("home", "trouble", "key can be read by others", "chmod 600")
    (cli.folder / "key").chmod(0o600)
    (cli.folder / "key").rename(cli.folder / "elsewhere")
    finds("key", "trouble", "is missing")
    (cli.folder / "elsewhere").rename(cli.folder / "key")
    (cli.folder / "store.db").write_bytes(b"no database" * 1000)
    finds("store", "trouble", "damaged")


def test_doctor_names_every_record_that_can_not_be_read(cli: CLI, server: PracticeServer) -> None:
    add(cli, server, "alice")
    add(cli, server, "bob")
    with sqlite3.connect(cli.folder / "store.db") as db:
        db.execute("UPDATE credentials SET sealed = zeroblob(64) WHERE name = 'alice'")
    db.close()
    told = cli("doctor", "--json")
    assert {each["check"]: each["level"] for each in told.json["findings"]}["alice"] == "trouble"
    assert {each["check"]: each["level"] for each in told.json["findings"]}["bob"] == "fine"


def test_rotate_key(cli: CLI, server: PracticeServer) -> None:
    add(cli, server)
    add_robot(cli, server)
    first = (cli.folder / "key").read_text()
    done = cli("rotate-key", "--json").json
    assert (done["resealed"], len(done["kept"]), done["forgotten"]) == (2, 1, [])
    second = (cli.folder / "key").read_text()
    assert second.endswith(first)
    again = cli("rotate-key", "--json").json
    assert (again["kept"], again["forgotten"]) == ([done["key"]], done["kept"])
    assert first not in (cli.folder / "key").read_text()
    assert (cli.folder / "key").stat().st_mode & 0o777 == 0o600
    assert cli("rotate-key", "--reseal-only", "--json").json["resealed"] == 0
    assert cli("token", "alice").code == 0
    assert cli("token", "robot").code == 0


def test_rotate_key_while_others_refresh(cli: CLI, server: PracticeServer) -> None:
    """Three rotations at once and one after the other, while two threads of this process refresh without a pause."""
    names = ["alice", "bob"]
    for name in names:
        add(cli, server, name)
    home = cli.home()
    stop = threading.Event()
    troubles: list[BaseException] = []
    counts = dict.fromkeys(names, 0)

    def refresh(name: str) -> None:
        try:
            while not stop.is_set():
                home.source(name).refresh()
                counts[name] += 1
        except BaseException as error:
            troubles.append(error)

    threads = [threading.Thread(target=refresh, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    rotations = [cli.start("rotate-key") for _ in range(2)]
    for rotation in rotations:
        out, err = rotation.communicate()
        assert (rotation.returncode, err) == (0, ""), out
    assert cli("rotate-key").code == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert not troubles
    assert all(count > 3 for count in counts.values())
    assert len((cli.folder / "key").read_text().split()) == 2
    home.close()
    for name in names:
        assert cli("refresh", name).code == 0
    assert server.counters["reuse_detected"] == 0


def test_revoke(cli: CLI, server: PracticeServer) -> None:
    refresh_token = add(cli, server)
    token = cli("token", "alice").out.strip()
    assert cli("revoke", "alice").out == "alice: revoked the refresh token and the access token\n"
    shown = cli("show", "alice", "--json").json
    assert (shown["state"], shown["token_state"], shown["refresh_token"]) == ("needs_login", "missing", None)
    assert shown["last_error"]["reason"] == "revoked"
    assert cli("token", "alice").fails(3, "`vestal login alice`")
    assert server.counters["requests.revoke"] == 2
    assert server.counters["resource.200"] == 0
    assert token
    assert server.counters.presented(refresh_token) == 1
    assert cli("revoke", "alice").out == "alice: there was nothing to revoke\n"
    assert cli("revoke", "alice", "--json").json == {"name": "alice", "revoked": [], "forgotten": False}


def test_revoke_where_the_service_can_not(cli: CLI, server: PracticeServer) -> None:
    add_robot(cli, server)
    cli("token", "robot")
    cli("revoke", "robot").fails(2, "robot: ", "no revocation endpoint", "--local")
    assert cli("show", "robot", "--json").json["token_state"] == "valid"
    assert "the service was not told" in cli("revoke", "robot", "--local").out
    shown = cli("show", "robot", "--json").json
    assert (shown["state"], shown["token_state"]) == ("idle", "missing")
    assert cli("token", "robot", "--json").json["version"] == 2
    assert server.counters["requests.revoke"] == 0


@pytest.mark.parametrize("failing", [1, 2])
def test_nothing_is_forgotten_that_the_service_did_not_confirm(cli: CLI, server: PracticeServer, failing: int) -> None:
    add(cli, server)
    token = cli("token", "alice").out
    if failing == 2:
        server.faults.add("revoke", "pass")
    server.faults.add("revoke", "status", status=503, retry_after="9")
    cli("revoke", "alice").fails(4, "alice: ")
    shown = cli("show", "alice", "--json").json
    assert shown["token_state"] == "valid"
    assert (shown["refresh_token"] is None) is (failing == 2)
    assert cli("token", "alice").out == token
    assert cli("revoke", "alice").code == 0
