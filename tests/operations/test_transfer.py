from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.credential import App, Credential, Intent
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home
from vestal.operations.transfer import _in_place_of, _read, export, take_in

PASSPHRASE = Secret("p")
APP = App(provider="custom", client_id="app", settings={"token_url": "https://e.example/token"})


def credential(name: str, version: int) -> Credential:
    return Credential(
        name=name,
        app=APP,
        version=version,
        token=Token(Secret(f"a{version}"), version=version, expires_at=9e9) if version else None,
        refresh_token=Secret(f"r{version}"),
        secrets={"dpop_key": Secret("k")},
        intent=Intent(fingerprint="f", at=1.0, version=version, holder="h", responses=(Secret("raw"),)),
        authorizing_until=9e9,
    )


def test_an_interrupted_refresh_travels_with_its_answer(tmp_path: Path) -> None:
    here, there = Home(tmp_path / "here"), Home(tmp_path / "there")
    here.store.save(credential("alice", 3))
    text, names = export(here, PASSPHRASE)
    assert names == ("alice",)
    assert take_in(there, text, PASSPHRASE) == ("alice",)
    moved = there.store.load("alice")
    assert moved == replace(credential("alice", 3), revision=1, authorizing_until=None)
    with pytest.raises(ConfigError, match="already: alice"):
        take_in(there, text, PASSPHRASE)
    here.close()
    there.close()


@given(st.integers(0, 5), st.integers(0, 5))
def test_versions_only_grow(old: int, new: int) -> None:
    made = _in_place_of(replace(credential("a", old), revision=7), credential("a", new))
    assert made.version > old or (made.version == new > old)
    assert made.revision == 7
    assert made.token is None or made.token.version == made.version
    assert made.refresh_token == Secret(f"r{new}")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.sampled_from(["name", "version", "public", "secret", "app"]), v),
    )
)
def test_contents_that_are_none(value: object) -> None:
    with suppress(ConfigError):
        assert _read(Secret(json.dumps(value))) == []
