"""Sealing: no store sees a secret, and none can change a record unseen."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from tests.stores.credentials import CANARY, canary, credentials
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError, Conflict
from vestal.core.secret import Secret
from vestal.stores.keys import FileKeys, Key
from vestal.stores.memory import MemoryBackend
from vestal.stores.record import Record
from vestal.stores.sealing import SealedStore, key_id
from vestal.stores.sqlite import SQLiteBackend


class Ring:
    """A key ring in a list."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)

    def ring(self, *, fresh: bool = False) -> list[Key]:
        return self.keys

    def exists(self) -> bool:
        return bool(self.keys)

    def add(self) -> None:
        self.keys.insert(0, Key.of(os.urandom(32)))

    def retire(self, keep: set[bytes]) -> None:
        self.keys = [key for key in self.keys if key.id in keep]


def new_store() -> SealedStore:
    return SealedStore(MemoryBackend(), Ring(Key.of(bytes(32))))


@pytest.fixture
def store() -> SealedStore:
    return new_store()


def record_of(store: SealedStore, name: str = "a") -> Record:
    record = store.backend.get(name)
    assert record is not None
    return record


def plant(record: Record) -> SealedStore:
    """A store of the same key, whose backend gives this record for its name."""
    store = new_store()

    class Planted(MemoryBackend):
        def get(self, name: str) -> Record | None:
            return record if name == record.name else None

    store.backend = Planted()
    return store


def refusal(store: SealedStore, name: str = "a") -> ConfigError:
    """The error that loading gives: one line that names the credential, with nothing of it in the traceback."""
    with pytest.raises(ConfigError) as caught:
        store.load(name)
    error = caught.value
    assert error.credential == name
    assert error.remedy
    assert "\n" not in str(error)
    assert error.__context__ is None
    trace = error.__traceback__
    report = traceback.TracebackException(
        type(error), error, trace.tb_next if trace is not None else None, capture_locals=True
    )
    assert CANARY not in "".join(report.format())
    return error


@given(credentials)
def test_what_is_saved_is_loaded(credential: Credential) -> None:
    store = new_store()
    saved = store.save(replace(credential, revision=0))
    assert saved == replace(credential, revision=1)
    assert store.load(credential.name) == saved
    assert list(store.iterate()) == [saved]


def test_a_late_save_is_a_conflict(store: SealedStore) -> None:
    first = store.save(canary())
    second = store.save(replace(first, failures=1))
    for late in (first, replace(second, version=0), canary()):
        with pytest.raises(Conflict) as caught:
            store.save(late)
        assert caught.value.credential == "a"
    assert store.load("a") == second
    assert store.load("b") is None


CHANGES: dict[str, Callable[[Record], Record]] = {
    "edited endpoint": lambda record: replace(record, public=record.public.replace("acme.example", "evil.example")),
    "blank in the JSON": lambda record: replace(record, public=record.public + " "),
    "moved to another name": lambda record: replace(record, name="b"),
    "old under a new revision": lambda record: replace(record, revision=record.revision + 1),
    "old under a new version": lambda record: replace(record, version=record.version + 1),
    "truncated": lambda record: replace(record, sealed=record.sealed[:-1]),
    "truncated in the nonce": lambda record: replace(record, sealed=record.sealed[:15]),
    "flipped bit": lambda record: replace(record, sealed=record.sealed[:-20] + b"\0" + record.sealed[-19:]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_record_that_was_changed_is_refused(store: SealedStore, change: str) -> None:
    store.save(canary())
    changed = CHANGES[change](record_of(store))
    assert changed != record_of(store)
    assert "changed outside Vestal" in refusal(plant(changed), changed.name).message


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x02" + bytes(100), b"\x01" + bytes(100)])
def test_a_blob_of_no_known_key_is_refused(store: SealedStore, sealed: bytes) -> None:
    store.save(canary())
    assert "not at hand" in refusal(plant(replace(record_of(store), sealed=sealed))).message


def test_a_wrong_key(store: SealedStore) -> None:
    store.save(canary())
    id_, other = record_of(store).sealed[1:9], Key.of(bytes(range(32)))
    store.keys = Ring(other)
    assert id_.hex() in refusal(store).message
    store.keys = Ring(Key(id_, other.bits))  # another key that claims to be the right one
    assert "changed outside Vestal" in refusal(store).message
    store.keys = Ring(other, Key.of(bytes(32)))
    assert store.load("a") == replace(canary(), revision=1)


def test_two_seals_of_the_same_are_different(store: SealedStore) -> None:
    """A nonce is never used twice."""
    store.save(canary())
    first = record_of(store)
    store.delete("a")
    store.save(canary())
    assert record_of(store).public == first.public
    assert record_of(store).sealed[9:21] != first.sealed[9:21]


def test_a_missing_key_file(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "key")
    keys.add()
    store = SealedStore(MemoryBackend(), keys)
    store.save(canary())
    keys.path.unlink()
    works: list[Callable[[], object]] = [lambda: store.load("a"), lambda: store.save(canary("b"))]
    for work in works:
        with pytest.raises(ConfigError, match=r"key file .* is missing") as caught:
            work()
        assert "\n" not in str(caught.value)
        assert "backup" in caught.value.remedy


def test_no_secret_is_in_any_file(tmp_path: Path) -> None:
    """While it is open, so that the write-ahead log is there too, and after."""
    store = SealedStore(SQLiteBackend(tmp_path / "home" / "store.db"), Ring(Key.of(os.urandom(32))))
    saved = store.save(canary())
    store.save(replace(saved, refresh_token=Secret(f"{CANARY}-2")))
    store.delete("a")
    store.save(canary())

    def contents() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "home").iterdir()}

    open_ = contents()
    assert set(open_) == {"store.db", "store.db-wal", "store.db-shm"}
    assert b"acme.example" in open_["store.db-wal"], "nothing was looked at"
    store.close()
    closed = contents()
    assert b"acme.example" in closed["store.db"]
    assert not [name for files in (open_, closed) for name, data in files.items() if CANARY.encode() in data]


def test_reseal(store: SealedStore) -> None:
    before = [store.save(canary(name)) for name in ("a", "b", "c")]
    old = store.keys.ring()[0].id
    assert store.reseal(0) == 0
    store.keys.add()
    store.save(replace(before[0], failures=1))  # sealed with the new key by its own worker meanwhile
    assert store.reseal(0) == 2
    assert store.reseal(0) == 0
    new = store.keys.ring()[0].id
    assert {key_id(record.sealed) for record in store.backend.records()} == {new} != {old}
    store.keys.retire({new})
    assert [replace(each, revision=1, failures=0) for each in store.iterate()] == before
