from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import CLI, add, add_robot
from vestal.core.credential import Credential
from vestal.testing.practice import PracticeServer

PASSPHRASE = {"VESTAL_EXPORT_PASSPHRASE": "correct horse battery staple"}


def records(cli: CLI) -> dict[str, Credential]:
    home = cli.home()
    try:
        return {credential.name: credential for credential in home.store.iterate()}
    finally:
        home.close()


def test_everything_comes_along(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    add(cli, server, "alice", "--set", "dpop=true")
    add_robot(cli, server)
    add(cli, server, "carol")
    cli("token", "alice")
    cli("token", "robot")
    file = tmp_path / "export.json"
    told = cli("export", "-o", str(file), env=PASSPHRASE)
    assert (told.code, told.out) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    before = records(cli)
    assert before["alice"].secrets["dpop_key"]

    there = CLI(tmp_path / "there")
    imported = there("import", str(file), "--json", env=PASSPHRASE)
    assert imported.json == {"imported": ["alice", "carol", "robot"]}
    after = records(there)
    for name, credential in before.items():
        twin = after[name]
        for part in ("app", "token", "refresh_token", "version", "secrets", "history", "created_at", "rotating"):
            assert getattr(twin, part) == getattr(credential, part), (name, part)
    assert there("refresh", "alice").code == 0
    assert server.counters["reuse_detected"] == 0


def test_pipes_and_single_names(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    add(cli, server, "alice")
    add(cli, server, "bob")
    (tmp_path / "passphrase").write_text("a b c\n")
    exported = cli("export", "bob", "--passphrase-file", str(tmp_path / "passphrase"))
    assert (exported.code, exported.err) == (0, "")
    header = exported.json
    assert (header["vestal_export"], header["credentials"], header["kdf"]) == (1, 1, "argon2id")
    there = CLI(tmp_path / "there")
    told = there("import", "-", input=exported.out, env={"VESTAL_EXPORT_PASSPHRASE": "a b c"})
    assert told.out == "imported 1: bob\n"
    cli("export", "nobody", env=PASSPHRASE).fails(2, "nobody: ")


def test_names_that_are_taken(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    add(cli, server, "alice")
    add(cli, server, "bob")
    file = str(tmp_path / "export.json")
    cli("export", "-o", file, env=PASSPHRASE)
    cli("remove", "alice")
    for _ in range(3):
        cli("refresh", "bob")
    cli("import", file, env=PASSPHRASE).fails(2, "bob", "--replace")
    assert set(records(cli)) == {"bob"}, "all or none"
    assert cli("import", file, "--replace", env=PASSPHRASE).code == 0
    after = records(cli)
    assert set(after) == {"alice", "bob"}
    assert after["bob"].version > 3, "versions only grow"


def test_wrong_passphrases_and_wrong_files(cli: CLI, server: PracticeServer, tmp_path: Path) -> None:
    cli("export", env=PASSPHRASE).fails(2, "nothing to export")
    add(cli, server)
    cli("export").fails(2, "needs a passphrase", "VESTAL_EXPORT_PASSPHRASE")
    cli("export", "--passphrase-file", str(tmp_path / "none")).fails(2, "can't be read", "No such file")
    text = cli("export", env=PASSPHRASE).out
    cli("remove", "alice")
    cli("import", "-", input=text, env={"VESTAL_EXPORT_PASSPHRASE": "wrong"}).fails(2, "passphrase is wrong")
    cli("import", "-", input="{}", env=PASSPHRASE).fails(2, "no export of Vestal")
    cli("import", "-", input="", env=PASSPHRASE).fails(2, "no export of Vestal")
    cli("import", "-", "--passphrase-file", "-", input=text).fails(2, "stdin can't be", "at once")
    cli("import", str(tmp_path / "none"), env=PASSPHRASE).fails(2, "can't be read", "No such file")
    newer = json.dumps({**json.loads(text), "vestal_export": 2})
    cli("import", "-", input=newer, env=PASSPHRASE).fails(2, "format 2", "newer Vestal")
    changed = json.dumps({**json.loads(text), "credentials": 5})
    cli("import", "-", input=changed, env=PASSPHRASE).fails(2, "changed")
    assert records(cli) == {}
    assert cli("import", "-", input=text, env=PASSPHRASE).code == 0
