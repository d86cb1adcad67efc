"""Master keys: from a file, the environment, the OS keyring or a passphrase; and how they change."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.stores.credentials import canary
from vestal.core.errors import ConfigError
from vestal.core.secret import Secret
from vestal.stores.keys import (
    EnvironmentKeys,
    FileKeys,
    Key,
    KeyringKeys,
    KeySource,
    PassphraseKeys,
    format_ring,
    parse_ring,
)
from vestal.stores.memory import MemoryBackend
from vestal.stores.sealing import SealedStore, key_id
from vestal.stores.sqlite import SQLiteBackend

ONE, TWO = Key.of(bytes(32)), Key.of(bytes(range(32)))


CANARY_KEY = base64.b64encode(b"canary" * 5 + b"!!").decode()


def environment(text: str | None) -> EnvironmentKeys:
    variables = {} if text is None else {"VESTAL_KEY": text}
    return EnvironmentKeys(environ=variables.get)


# Rings


def test_a_ring_as_text() -> None:
    text = format_ring([ONE, TWO])
    assert text == "A" * 43 + "=\n" + base64.b64encode(TWO.bits).decode() + "\n"
    for spelling in (text, text.replace("\n", ","), text.replace("\n", " \t"), "\r\n" + text.replace("\n", "\r\n")):
        assert parse_ring(Secret(spelling), "it") == (ONE, TWO)


def test_a_key_does_not_show_itself() -> None:
    assert repr(TWO.bits) not in repr(TWO)
    assert repr(TWO.id) in repr(TWO)
    assert ONE.id != TWO.id


broken = st.one_of(
    st.text(),
    st.binary(max_size=40).map(lambda bits: base64.b64encode(bits).decode()),
    st.lists(st.sampled_from(["A" * 43 + "=", "A" * 44, "=", ",", "é", "A" * 43]), max_size=3).map(" ".join),
)


@given(broken)
@example("")
@example(" \n")
@example("A" * 43 + "=\n-----")
def test_broken_rings(text: str) -> None:
    """From anything at all: keys of the right length, or one error that repeats nothing of it."""
    try:
        keys = parse_ring(Secret(text), "the ring")
    except ConfigError as error:
        assert str(error).startswith("the ring ")
        assert "\n" not in str(error)
    else:
        assert keys
        assert all(len(key.bits) == 32 for key in keys)


@given(st.binary())
@example(b"\xff")
@example(b"zz" * 16)
@example(b"\xc2\xa0")
@example(b"00")
@example(b"\x1c")
def test_broken_files(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.getbasetemp()
    sources: dict[str, KeySource] = {
        "broken-key": FileKeys(folder / "broken-key"),
        "broken-salts": PassphraseKeys(folder / "broken-salts", asked),
    }
    for name, keys in sources.items():
        (folder / name).write_bytes(data)
        (folder / name).chmod(0o600)
        with pytest.raises(ConfigError):
            keys.ring()
        if not (data.isascii() and not data.decode().split()):  # blank: there is nothing to lose
            with pytest.raises(ConfigError):
                keys.add()
            assert (folder / name).read_bytes() == data


def asked() -> Secret:
    return Secret("correct horse")


# Where they are kept


def changes(keys: KeySource, again: KeySource) -> None:
    """A source that keeps its own keys: what is changed through one view is seen through another."""
    assert not keys.exists()
    with pytest.raises(ConfigError):
        keys.ring(fresh=True)
    keys.add()
    assert again.exists()
    [first] = again.ring(fresh=True)
    assert list(keys.ring(fresh=True)) == [first]
    keys.add()
    second = again.ring(fresh=True)[0]
    assert list(again.ring(fresh=True)) == list(keys.ring(fresh=True)) == [second, first]
    again.retire({second.id})
    assert list(keys.ring(fresh=True)) == [second]


def test_keys_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    changes(FileKeys(path), FileKeys(path))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_file_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "key"
    FileKeys(path).add()
    path.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        FileKeys(path).ring()
    assert caught.value.remedy == f"chmod 600 {path}"
    path.chmod(0o600)
    assert len(FileKeys(path).ring()) == 1


def test_a_key_file_that_is_none(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "key"):
        with pytest.raises(ConfigError):
            FileKeys(path).ring()


def test_keys_in_the_environment() -> None:
    keys = environment(format_ring([TWO, ONE]))
    assert keys.exists()
    assert keys.ring() == (TWO, ONE)
    with pytest.raises(ConfigError, match="yours to change") as caught:
        keys.add()
    assert "--reseal-only" in caught.value.remedy
    keys.retire(set())
    assert keys.ring() == (TWO, ONE)


@pytest.mark.parametrize("text", [None, ""])
def test_no_key_in_the_environment(text: str | None) -> None:
    keys = environment(text)
    assert not keys.exists()
    for work in (keys.ring, keys.add):
        with pytest.raises(ConfigError, match=r"\$VESTAL_KEY, which is not set"):
            work()


def test_keys_of_a_passphrase(tmp_path: Path) -> None:
    salts = tmp_path / "salts"
    changes(PassphraseKeys(salts, asked), PassphraseKeys(salts, asked))
    assert salts.stat().st_mode & 0o777 == 0o600
    right, wrong = PassphraseKeys(salts, asked), PassphraseKeys(salts, lambda: Secret("incorrect horse"))
    assert right.ring()[0].id != wrong.ring()[0].id


def test_a_passphrase_is_asked_for_once_a_salt(tmp_path: Path) -> None:
    times = []
    keys = PassphraseKeys(tmp_path / "salts", lambda: times.append(1) or asked())  # type: ignore[func-returns-value]
    keys.add()
    assert not times
    for _ in range(3):
        keys.ring()
    assert len(times) == 1


class MemoryKeyring(keyring.backend.KeyringBackend):
    """An OS keyring that lives in memory."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.passwords: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.passwords[service, username] = password

    def _check(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked\nand more")


@pytest.fixture
def os_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    mine = MemoryKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_keys_in_the_os_keyring(os_keyring: MemoryKeyring) -> None:
    changes(KeyringKeys("/home/one"), KeyringKeys("/home/one"))
    assert not KeyringKeys("/home/two").exists()
    assert set(os_keyring.passwords) == {("vestal", "/home/one")}


@pytest.mark.usefixtures("os_keyring")
def test_a_keyring_that_another_process_rotated() -> None:
    """Nothing is sealed with a key that is about to be forgotten, and no new key is overwritten."""
    backend = MemoryBackend()
    here, there = (SealedStore(backend, KeyringKeys("/home/one")) for _ in range(2))
    here.keys.add()
    saved = here.save(canary())
    for _ in range(2):
        there.keys.add()
        there.reseal(0)
        there.keys.retire({key.id for key in there.keys.ring()[:2]})
    loaded = here.load("a")
    assert loaded is not None
    assert loaded.refresh_token == saved.refresh_token
    there.keys.add()
    here.save(canary("b"))
    assert key_id(next(record.sealed for record in backend.records() if record.name == "b")) == there.keys.ring()[0].id
    there.keys.add()
    newest = there.keys.ring()[0]
    here.keys.add()
    assert here.keys.ring()[1] == newest


def test_an_os_keyring_that_is_locked(os_keyring: MemoryKeyring) -> None:
    keys = KeyringKeys("/home/one")
    keys.add()
    ring = keys.ring()
    os_keyring.locked = True
    for work in (lambda: keys.ring(fresh=True), keys.exists, keys.add, lambda: keys._tell(ring)):
        with pytest.raises(ConfigError, match="KeyringLocked") as caught:
            work()
        assert "unlock" in caught.value.remedy
        assert caught.value.__context__ is None
        assert "\n" not in str(caught.value)


def test_a_broken_ring_in_the_os_keyring(os_keyring: MemoryKeyring) -> None:
    os_keyring.passwords["vestal", "/home/one"] = "nonsense"
    with pytest.raises(ConfigError, match="the OS keyring holds no usable key"):
        KeyringKeys("/home/one").ring()


# Rotation

WORKER = """
import sys
from pathlib import Path
from vestal.stores.keys import FileKeys
from vestal.stores.memory import MemoryBackend
from vestal.stores.sealing import SealedStore, key_id
from vestal.stores.sqlite import SQLiteBackend
home = Path(sys.argv[1])
store = SealedStore(SQLiteBackend(home / "store.db"), FileKeys(home / "key"))
while True:
    with store.lease("process", 60):
        saved = store.save(store.load("process"))
    print(len(list(store.iterate())), flush=True)
"""


def test_rotation_while_others_read_and_write(tmp_path: Path) -> None:
    """A thread and a process go on through three rotations, and nobody fails."""
    home = tmp_path / "home"
    store = SealedStore(SQLiteBackend(home / "store.db"), FileKeys(home / "key"))
    assert store.names() == []
    store.keys.add()
    for name in ("idle", "process", "thread"):
        store.save(canary(name))
    stop, moved = threading.Event(), threading.Semaphore(0)
    failures: list[Exception] = []

    def work() -> None:
        try:
            while not stop.is_set():
                with store.lease("thread", 60):
                    credential = store.load("thread")
                    assert credential is not None
                    store.save(credential)
                moved.release()
        except Exception as error:
            failures.append(error)
            moved.release(1000)

    thread = threading.Thread(target=work)
    command = [sys.executable, "-c", WORKER, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        thread.start()
        for _ in range(3):
            for _ in range(2):  # what was begun before the last rotation is done
                moved.acquire()
                assert process.stdout.readline() == "3\n", process.stderr.read()
            while moved.acquire(blocking=False):
                pass
            store.keys.add()
            store.reseal(60)
            store.reseal(60)
            store.keys.retire({key.id for key in store.keys.ring()[:2]})
        stop.set()
        thread.join()
        for _ in range(2):
            assert process.stdout.readline() == "3\n"
        process.kill()
    assert failures == []
    assert len(store.keys.ring()) == 2
    store.close()


FIRST = """
import sys
from pathlib import Path
from tests.stores.credentials import canary
from vestal.stores.keys import FileKeys
from vestal.stores.sealing import SealedStore
from vestal.stores.sqlite import SQLiteBackend
home = Path(sys.argv[1])
keys = FileKeys(home / "key")
store = SealedStore(SQLiteBackend(home / "store.db"), keys)
assert not keys.exists()
print("ready", flush=True)
sys.stdin.readline()
keys.add()
store.save(canary(sys.argv[2]))
"""


def test_processes_that_make_the_first_key_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each seals with the key that it has made; a key that another one overwrote would take that along."""
    home, root = tmp_path / "home", Path(__file__).parents[2]
    names = ["one", "three", "two"]
    home.mkdir(0o700)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST, str(home), name],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        with process:
            assert process.wait(60) == 0
    store = SealedStore(SQLiteBackend(home / "store.db"), FileKeys(home / "key"))
    assert [credential.name for credential in store.iterate()] == names
    assert len(store.keys.ring()) == 3
    store.close()


@pytest.mark.parametrize("text", [f"{CANARY_KEY} broken", f"{CANARY_KEY}{CANARY_KEY}"])
def test_a_broken_ring_shows_no_key_in_its_traceback(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(text)
    for source in (FileKeys(path), environment(text)):
        with pytest.raises(ConfigError) as caught:
            source.ring()
        assert caught.value.__traceback__ is not None
        inner = caught.value.__traceback__.tb_next  # without this test, which knows the key
        told = "".join(traceback.TracebackException(ConfigError, caught.value, inner, capture_locals=True).format())
        assert "self = " in told, "the locals were not captured"
        assert CANARY_KEY[:20] not in told
