"""The stored form of a credential: whole, and with nothing secret in its readable part."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given

from tests.stores.credentials import CANARY, canary, credentials
from vestal.core.credential import App, Credential, Intent
from vestal.core.token import Token
from vestal.stores.codec import Secrets, dumps, join, public_part, secret_part


def again(credential: Credential) -> Credential:
    """Through JSON and back."""
    public, secret = json.loads(dumps(public_part(credential))), json.loads(dumps(secret_part(credential)))
    return join(credential.name, credential.version, credential.revision, public, Secrets(secret))


@given(credentials)
def test_nothing_is_lost(credential: Credential) -> None:
    assert again(credential) == credential


@given(credentials)
def test_the_same_credential_gives_the_same_bytes(credential: Credential) -> None:
    assert dumps(public_part(again(credential))) == dumps(public_part(credential))
    assert dumps(public_part(credential)).isascii()


def test_no_secret_is_readable() -> None:
    credential = canary()
    assert CANARY not in dumps(public_part(credential))
    assert CANARY not in repr(secret_part(credential))
    assert dumps(secret_part(credential)).count(CANARY) == 6


@pytest.mark.parametrize("missing", sorted(public_part(canary())))
def test_what_is_no_credential(missing: str) -> None:
    public = public_part(canary())
    del public[missing]
    with pytest.raises((KeyError, TypeError, ValueError)):
        join("a", 1, 1, public, secret_part(canary()))


def test_every_field_has_its_place() -> None:
    """A field that is added to a type and forgotten in the codec shows here."""
    public = public_part(canary())
    kept = {"name", "version", "revision", "refresh_token", "secrets"}
    assert {field.name for field in fields(Credential)} - {"subject", "registration"} == set(public) | kept
    assert {field.name for field in fields(App)} == set(public["app"]) | {"client_secret", "private_key"}
    assert {field.name for field in fields(Token)} == set(public["token"]) | {"access_token", "proof"}
    assert {field.name for field in fields(Intent)} == set(public["intent"]) | {"responses"}
