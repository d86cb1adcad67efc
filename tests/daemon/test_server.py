from __future__ import annotations

import signal
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest

from tests.daemon.daemons import House, read_all, wait_for
from vestal.core.credential import App, Credential
from vestal.core.errors import NetworkError, Outcome
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.daemon.process.pid_file import Running
from vestal.daemon.process.start import Options, start
from vestal.daemon.refresher import Refresher
from vestal.daemon.server import _assemble
from vestal.home import Home
from vestal.stores.keys import KEY_LENGTH, Key, format_ring
from vestal.testing.practice import PracticeServer


def test_heads_have_a_limit(house: House) -> None:
    house.start()
    with house.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 40_000)
        assert read_all(connection).startswith(b"HTTP/1.1 431")


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


def test_what_it_can_not_write_does_not_keep_it_from_draining(house: House, tmp_path: Path) -> None:
    """As on a full disk."""
    with house.foreground() as process, house.ask("/slow") as asking:
        house.wait_for_file("began")
        (house.folder / "run").rename(tmp_path / "gone")
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        first = [process.stderr.readline() for _ in range(3)]
        (house.steer / "go").touch()
        assert read_all(asking).startswith(b"HTTP/1.1 200")
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "listening" in first[0]
    assert "daemon.pid can't be written" in first[1]
    assert "draining" in first[2]
    assert "Traceback" not in said


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
    assert "other machines are not answered" in said
    with house.foreground("--tcp=0.0.0.0:0", "--host-name=a.example") as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "without TLS" in said
    assert "not answered" not in said
    with house.foreground("--tcp=127.0.0.1:0") as process:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "without TLS" not in said


def test_a_key_that_opens_nothing_is_told_before_it_listens(house: House) -> None:
    home = Home(house.folder)
    home.store.save(Credential(name="a", app=App(provider="custom", client_id="x")))
    home.close()
    (house.folder / "key").write_text(format_ring([Key.of(bytes(KEY_LENGTH))]))
    with house.foreground() as process:
        assert process.wait(60) == 2
        assert process.stderr is not None
        assert "the master key does not open the store" in process.stderr.read()
    assert not house.socket.exists()


@pytest.mark.parametrize(("bounds", "under_way"), [({"at_once": 2}, 2), ({"per_provider": 1}, 1), ({}, 3)])
def test_the_refresher_keeps_to_its_bounds(tmp_path: Path, bounds: dict[str, int], under_way: int) -> None:
    go = threading.Event()

    def send(request: Request) -> Response:
        go.wait(60)
        raise NetworkError("down", outcome=Outcome.NOT_SENT)

    app = App(provider="custom", client_id="x", settings={"token_url": "https://e.example/t", "client_auth": "none"})
    with closing(Home(tmp_path / "home", send=send, environ={})) as home:
        for name in ("a", "b", "c"):
            home.add(name, app, Secret(name))
        parts = _assemble(home, Running(1, 0.0, "starting", "1", "/s", **bounds))  # type: ignore[arg-type]
        refresher = parts.start.__self__  # type: ignore[attr-defined]
        assert isinstance(refresher, Refresher)
        parts.start()
        try:
            wait_for(lambda: refresher.status().running == under_way)
            assert refresher.status().waiting == 3 - under_way
        finally:
            go.set()
            parts.stop()


def test_the_refresher_looks_as_often_as_it_is_told(house: House) -> None:
    """What another process adds is found by itself, long before the usual time."""
    with PracticeServer() as service, closing(Home(house.folder)) as home:
        start(house.folder, Options(period=1.0), environ=house.environ)
        app = App(
            provider="custom",
            client_id="practice",
            client_secret=Secret("practice-secret"),
            settings={"token_url": f"{service.url}/token"},
        )
        home.add("a", app, Secret(service.issue_refresh_token("practice")))
        wait_for(lambda: service.counters["redemptions"] == 1, 25)
