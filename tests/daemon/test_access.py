from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError, VestalError
from vestal.core.secret import Secret
from vestal.daemon.access import FRESH, LOCAL, NOTED, Access, Grantee
from vestal.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(tmp_path: Path, clock: FakeClock) -> Access:
    return Access(tmp_path / "home", clock=clock)


def test_a_key_is_known_again(access: Access) -> None:
    key = access.add("ci", ["acme/*"], ["token"])
    assert access.check(key) == Grantee("ci", ("acme/*",), ("token",))
    access.close()


def test_the_key_itself_is_nowhere(access: Access) -> None:
    key = access.add("ci", ["*"], ["token"])
    access.close()
    folder = access._file.path.parent
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert key.reveal().encode() not in file.read_bytes()
        assert key.reveal().split("_", 2)[2].encode() not in file.read_bytes()


def test_wrong_keys(access: Access) -> None:
    key = access.add("ci", ["*"], ["token"]).reveal()
    assert access.check(Secret(key)) is not None
    other = "x" if key[-1] != "x" else "y"
    for wrong in ("", "x", key[:-1], key + "x", key[:-1] + other, key.upper(), " " + key, "vestal_" + "0" * 52):
        assert access.check(Secret(wrong)) is None
    access.close()


@given(st.text(max_size=100))
def test_no_text_is_a_key(text: str) -> None:
    access = Access(Path("/nowhere"), clock=FakeClock())
    access._snapshot.until = float("inf")
    assert access.check(Secret(text)) is None


def test_a_revoked_key_is_useless_at_once(access: Access) -> None:
    key = access.add("ci", ["*"], ["token"])
    assert access.check(key)
    access.revoke("ci")
    assert access.check(key) is None
    with pytest.raises(ConfigError, match="no key"):
        access.revoke("ci")
    assert access.check(access.add("ci", ["*"], ["token"]))
    assert access.check(key) is None
    access.close()


def test_who_still_has_a_key(access: Access, clock: FakeClock) -> None:
    grantee = access.check(access.add("ci", ["*"], ["token"]))
    assert grantee is not None
    assert access.holds(grantee)
    assert access.holds(LOCAL)
    other = Access(access._file.path.parent, clock=clock)
    other.revoke("ci")
    other.add("ci", ["*"], ["token"])
    other.close()
    clock.advance(FRESH)
    assert not access.holds(grantee), "it has the name, and is another key"
    assert access.holds(LOCAL)
    access.close()


def test_another_process_revokes(access: Access, clock: FakeClock) -> None:
    key = access.add("ci", ["*"], ["token"])
    assert access.check(key)
    other = Access(access._file.path.parent, clock=clock)
    other.revoke("ci")
    other.close()
    clock.advance(FRESH)
    assert access.check(key) is None
    access.close()


def test_last_use_is_shown(access: Access, clock: FakeClock) -> None:
    key = access.add("ci", ["*"], ["token"])
    (listed,) = access.list()
    assert (listed.name, listed.last_used_at) == ("ci", None)
    clock.advance(5)
    access.check(key)
    used = clock.now()
    clock.advance(5)
    (listed,) = access.list()
    assert listed.last_used_at == used
    access.close()


def test_last_use_is_noted_now_and_then(access: Access, clock: FakeClock) -> None:
    key = access.add("ci", ["*"], ["token"])
    access.check(key)
    used = clock.now()
    clock.advance(NOTED)
    access.check(key)
    other = Access(access._file.path.parent, clock=clock)
    assert other.list()[0].last_used_at == used
    other.close()
    access.close()


@pytest.mark.parametrize(
    ("name", "patterns", "actions"),
    [
        ("", ["*"], ["token"]),
        ("local", ["*"], ["token"]),
        ("a b", ["*"], ["token"]),
        ("a\nb", ["*"], ["token"]),
        ("x" * 65, ["*"], ["token"]),
        ("ci", [], ["token"]),
        ("ci", [""], ["token"]),
        ("ci", ["a b"], ["token"]),
        ("ci", ["*"], ["all"]),
    ],
)
def test_bad_keys(access: Access, name: str, patterns: list[str], actions: list[str]) -> None:
    with pytest.raises(ConfigError):
        access.add(name, patterns, actions)


def test_names_are_taken_once(access: Access) -> None:
    access.add("ci", ["*"], ["token"])
    with pytest.raises(ConfigError, match="already"):
        access.add("ci", ["*"], ["token"])
    access.close()


def test_what_a_grantee_may() -> None:
    grantee = Grantee("ci", ("acme/*", "bob"), ("token",))
    assert grantee.may("token", "acme/bot/installation/42")
    assert grantee.may("token", "bob")
    assert not grantee.may("token", "bobby")
    assert not grantee.may("token", "ACME/x")
    assert not grantee.may("refresh", "bob")
    assert grantee.sees("bob")
    assert not grantee.sees_all
    assert all(LOCAL.may(action, "any/thing") for action in ("token", "refresh", "admin"))


def test_a_damaged_file_lets_nobody_in(access: Access, clock: FakeClock) -> None:
    key = access.add("ci", ["*"], ["token"])
    access.close()
    access._file.path.write_bytes(b"no database" * 500)
    clock.advance(FRESH)
    with pytest.raises(VestalError):
        access.check(key)
