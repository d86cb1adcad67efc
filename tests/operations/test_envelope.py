from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.operations import envelope

PASSPHRASE = Secret("correct horse")
CONTENTS = Secret('["canary \u2713"]')


@pytest.fixture(scope="module")
def sealed() -> str:
    return envelope.seal(CONTENTS, PASSPHRASE, {"made_at": "today"})


def test_there_and_back(sealed: str) -> None:
    assert envelope.unseal(sealed, PASSPHRASE) == CONTENTS
    assert "canary" not in sealed
    header = json.loads(sealed)
    assert (header["made_at"], header["kdf"], header["cipher"]) == ("today", "argon2id", "AES-256-GCM")
    # RFC 9106, section 4: the second recommended option
    assert (header["iterations"], header["lanes"], header["memory_kib"]) == (3, 4, 65536)


def test_no_two_are_alike(sealed: str) -> None:
    other = json.loads(envelope.seal(CONTENTS, PASSPHRASE, {"made_at": "today"}))
    assert all(other[name] != json.loads(sealed)[name] for name in ("salt", "nonce", "sealed"))


def test_a_wrong_passphrase(sealed: str) -> None:
    with pytest.raises(ConfigError, match="passphrase is wrong"):
        envelope.unseal(sealed, Secret("correct horsf"))


@pytest.mark.parametrize(
    "change",
    [
        {"made_at": "yesterday"},
        {"more": 1},
        {"iterations": 2},
        {"salt": base64.b64encode(b"0" * 16).decode()},
        {"nonce": base64.b64encode(b"0" * 12).decode()},
    ],
)
def test_what_was_changed_does_not_open(sealed: str, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="changed"):
        envelope.unseal(json.dumps({**json.loads(sealed), **change}), PASSPHRASE)


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 1 << 30},
        {"iterations": 1 << 30},
        {"lanes": 0},
        {"lanes": 10, "memory_kib": 79},
        {"iterations": "3"},
        {"kdf": "scrypt"},
        {"cipher": "none"},
        {"nonce": "AAAA"},
        {"salt": "AAAA"},
        {"sealed": "!"},
        {"sealed": None},
        {"vestal_export": 0},
        {"vestal_export": "1"},
    ],
)
def test_what_is_no_envelope_costs_nothing(sealed: str, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="no export of Vestal"):
        envelope.check(json.dumps({**json.loads(sealed), **change}))


def test_one_of_a_newer_format(sealed: str) -> None:
    with pytest.raises(ConfigError, match="format 7"):
        envelope.check(json.dumps({**json.loads(sealed), "vestal_export": 7}))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_anything_else_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        envelope.check(text)
