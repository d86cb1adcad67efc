from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from vestal.core.errors import ConfigError
from vestal.daemon.listening import authority, remove_socket, tcp_socket, unix_socket


def test_it_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "run" / "vestal.sock"
    before = os.umask(0)
    try:
        with unix_socket(path):
            assert stat.S_IMODE(path.lstat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert os.umask(0) == 0, "the umask is as it was"
    finally:
        os.umask(before)


def test_a_stale_one_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run" / "vestal.sock"
    unix_socket(path).close()
    assert path.exists()
    with unix_socket(path) as second, socket.socket(socket.AF_UNIX) as client:
        second.listen()
        client.connect(str(path))


def test_a_living_one_is_left_alone_and_named(tmp_path: Path) -> None:
    path = tmp_path / "run" / "vestal.sock"
    with unix_socket(path) as first:
        first.listen()
        with pytest.raises(ConfigError, match=f"process {os.getpid()} listens at"):
            unix_socket(path)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_one_that_is_too_busy_to_answer_lives(tmp_path: Path) -> None:
    path = tmp_path / "run" / "vestal.sock"
    with unix_socket(path) as first, socket.socket(socket.AF_UNIX) as client:
        first.listen(0)
        client.connect(str(path))  # nobody accepts: the backlog is full
        with pytest.raises(ConfigError, match="listens at"):
            unix_socket(path)


def test_what_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    path = folder / "vestal.sock"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="is not a socket"):
        unix_socket(path)
    path.unlink()
    path.symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="is not a socket"):
        unix_socket(path)


def test_a_folder_that_others_can_open_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "something").touch()
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match="can be read by others"):
        unix_socket(folder / "vestal.sock")


def test_a_path_that_is_too_long_is_told_before_anything_is_made(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 100) / "vestal.sock"
    with pytest.raises(ConfigError, match="longer than 100 bytes"):
        unix_socket(path)
    assert list(tmp_path.iterdir()) == []


def test_only_ones_own_socket_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "vestal.sock"
    with unix_socket(path):
        made = path.lstat()
        path.rename(path.with_name("moved"))  # keeps its inode from being given to the next one
        with unix_socket(path):
            remove_socket(path, made)
            assert path.exists()
            remove_socket(path, path.lstat())
            assert not path.exists()
            remove_socket(path, made)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_tcp_is_where_it_was_told_to_be(host: str) -> None:
    with tcp_socket(host, 0) as bound:
        assert bound.getsockname()[0] in ("127.0.0.1", "::1")
        port = bound.getsockname()[1]
        with pytest.raises(ConfigError, match="can't listen at"):
            tcp_socket(bound.getsockname()[0], port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 64 + ".example", "192.0.2.1"])
def test_where_nobody_can_listen(host: str) -> None:
    with pytest.raises(ConfigError, match="can't listen at"):
        tcp_socket(host, 0)


def test_authorities() -> None:
    assert authority("127.0.0.1", 8378) == "127.0.0.1:8378"
    assert authority("::1", 8378) == "[::1]:8378"
