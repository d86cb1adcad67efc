from __future__ import annotations

import signal
import socket
from pathlib import Path

from tests.daemon.daemons import House, read_all


def test_heads_have_a_limit(house: House) -> None:
    house.start()
    with house.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000)
        assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_more_clients_than_the_usual_limit_of_files(house: House) -> None:
    house.start()
    connections = [house.ask("/healthz") for _ in range(400)]
    for connection in connections:
        assert connection.recv(12) == b"HTTP/1.1 200"
        connection.close()


def test_systemd_is_told_how_far_it_is(house: House, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        with house.foreground(NOTIFY_SOCKET=str(tmp_path / "notify")) as process:
            assert manager.recv(999).decode().splitlines() == ["READY=1", f"STATUS=unix://{house.socket}"]
            process.send_signal(signal.SIGTERM)
            assert manager.recv(999) == b"STOPPING=1"
            assert process.wait(30) == 0


def test_a_home_that_can_not_be_used_is_told_before_it_listens(house: House) -> None:
    house.folder.mkdir(mode=0o700)
    (house.folder / "config.toml").write_text("[key]\nsource = 'nowhere'\n")
    with house.foreground() as process:
        assert process.wait(60) == 2
        assert process.stderr is not None
        assert "key.source is 'nowhere'" in process.stderr.read()
    assert not house.socket.exists()


def test_what_is_open_beyond_this_machine_is_said_so(house: House) -> None:
    with house.foreground("--tcp=0.0.0.0:0") as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "without TLS" in said
    with house.foreground("--tcp=127.0.0.1:0") as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "without TLS" not in said
