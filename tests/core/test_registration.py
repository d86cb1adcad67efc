"""A credential that belongs to another one, which holds the key of both."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.core.house import INVALID_CLIENT, NAME, House, PlainProvider, granted, held, token
from vestal.core.credential import App, Credential
from vestal.core.decision import Demand
from vestal.core.errors import AuthFailed, ConfigError
from vestal.core.events import Kind
from vestal.core.secret import Secret

PARENT = "acme-bot"
KEY = Secret("the key of the parent")
CHILD = App(provider="plain", settings={"app": PARENT})


class BorrowingProvider(PlainProvider):
    """Authenticates with the key of the app that the credential belongs to."""

    def client_fingerprint(self, credential: Credential) -> str:
        key = credential.registration.private_key if credential.registration else None
        return "key:" + (key.fingerprint() if key else "none")


def house(*steps: object, parent: bool = True, **fields: object) -> House:
    made = House(*steps, provider=BorrowingProvider(stake=False), app=CHILD, **fields)  # type: ignore[arg-type]
    if parent:
        made.store.save_directly(Credential(name=PARENT, app=App(provider="plain", private_key=KEY)))
    return made


def replace_key(house: House, key: str) -> None:
    parent = house.store.load(PARENT)
    assert parent is not None
    house.store.save_directly(replace(parent, app=replace(parent.app, private_key=Secret(key))))


def test_a_child_is_loaded_with_the_app_that_it_belongs_to() -> None:
    made = house()
    child = made.lifecycle.load(NAME)
    assert child.registration is not None
    assert child.registration.private_key == KEY
    assert child.app.private_key is None
    assert made.lifecycle.load(PARENT).registration is None
    assert child == made.stored


def test_nothing_of_the_registration_is_written_into_the_childs_record() -> None:
    made = house(granted(1, rotate=False))
    refreshed = made.refresh()
    assert refreshed.registration is not None
    made.lifecycle.update(NAME, lambda credential: replace(credential, created_at=1.0))
    record = made.store.backend.get(NAME)
    assert record is not None
    secrets = json.dumps(made.store._unseal(record))
    for text in (record.public, secrets, record.sealed.decode("latin-1")):
        assert KEY.reveal() not in text
        assert "registration" not in text
    assert made.stored.registration is None
    assert KEY.reveal() not in repr(refreshed)


def test_a_missing_app_is_named_before_anything_is_sent_or_recorded() -> None:
    made = house(parent=False)
    before = made.stored
    with pytest.raises(ConfigError) as caught:
        made.refresh()
    assert PARENT in caught.value.message
    assert caught.value.credential == NAME
    assert caught.value.remedy
    assert made.script.requests == []
    assert made.stored == before


def test_a_good_token_is_given_out_and_a_record_changed_without_the_app() -> None:
    made = house(parent=False, **held(1))
    assert made.refresh().token == token(1)
    changed = made.lifecycle.update(NAME, lambda credential: replace(credential, created_at=1.0))
    assert changed.created_at == 1.0


def test_the_app_that_comes_is_used_at_once() -> None:
    made = house(granted(1, rotate=False), parent=False)
    with pytest.raises(ConfigError):
        made.refresh()
    made.store.save_directly(Credential(name=PARENT, app=App(provider="plain", private_key=KEY)))
    assert made.refresh().version == 1


def test_a_refused_key_is_not_used_again_until_it_is_replaced_at_the_app() -> None:
    made = house(INVALID_CLIENT, granted(1, rotate=False))
    with pytest.raises(AuthFailed):
        made.refresh()
    for _ in range(3):
        with pytest.raises(AuthFailed):
            made.refresh()
    assert len(made.script.requests) == 1
    replace_key(made, "another key")
    assert made.refresh().version == 1
    assert len(made.script.requests) == 2


def test_reading_the_app_takes_no_lease_of_it() -> None:
    made = house(granted(1, rotate=False))
    with made.store.lease(PARENT, 0):
        assert made.lifecycle.refresh(NAME, Demand()).version == 1
    assert [event.credential for event in made.events if event.kind is Kind.LEASE_TAKEN] == [NAME]
