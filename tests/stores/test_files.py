"""Private files: 0600, and whole whatever happens."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vestal.core.errors import ConfigError, StoreUnavailable
from vestal.stores.files import check_private, make_private_folder, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def umask_0() -> Iterator[None]:
    old = os.umask(0)
    yield
    os.umask(old)


@pytest.mark.usefixtures("umask_0")
def test_a_file_is_private_and_replaces_one_that_was_not(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    assert mode(path) == 0o666
    write_private(path, "new é")
    assert path.read_text("utf-8") == "new é"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_readers_see_the_old_text_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, "0" * 100_000)
    done = threading.Event()

    def write() -> None:
        for number in range(1, 10):
            write_private(path, str(number) * 100_000)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        text = path.read_text()
        assert len(text) == 100_000
        assert len(set(text)) == 1
    writer.join()
    assert path.read_text() == "9" * 100_000


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.mkdir()
    with pytest.raises(StoreUnavailable, match="can't be written"):
        write_private(path, "new")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StoreUnavailable, match="can't be written"):
        write_private(tmp_path / "nowhere" / "key", "new")


@pytest.mark.usefixtures("umask_0")
def test_a_folder_and_what_is_made_above_it(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c")] == [0o700] * 3
    make_private_folder(tmp_path / "a" / "b" / "c")


@pytest.mark.usefixtures("umask_0")
def test_an_empty_folder_of_ours_is_made_private_and_a_full_one_refused(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    make_private_folder(folder)
    assert mode(folder) == 0o700
    folder.chmod(0o755)
    (folder / "file").touch()
    with pytest.raises(ConfigError) as caught:
        make_private_folder(folder)
    assert caught.value.remedy == f"chmod 700 {folder}, if it is for Vestal alone; else name another folder"
    assert mode(folder) == 0o755


def test_a_folder_that_is_for_everybody_is_left_so(tmp_path: Path) -> None:
    """Nobody is told to take /tmp away from all others."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    (folder / "file").touch()
    folder.chmod(0o1777)
    with pytest.raises(ConfigError, match="can be read by others") as caught:
        make_private_folder(folder)
    assert caught.value.remedy == "name a folder that is for Vestal alone"


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is not a folder"):
        make_private_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match="can't be made"):
        make_private_folder(tmp_path / "file" / "below")
    with pytest.raises(ConfigError, match="can't be looked at"):
        check_private(tmp_path / "nowhere")
