"""Starting, stopping, pausing; a thousand connections; what is logged; running as a program."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

from vestal.core.errors import ConfigError
from vestal.testing.practice import PracticeServer, Settings, run
from vestal.testing.practice.message import Request

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller


def test_state_and_address_outlive_a_stop(caller: Caller, server: PracticeServer) -> None:
    url, token = server.url, server.issue_refresh_token()
    server.stop()
    server.stop()
    with pytest.raises(httpx2.ConnectError):
        caller.refresh(token)
    server.start()
    server.start()
    assert server.url == url
    assert caller.refresh(token).status_code == 200


def test_idle_connections_end_with_it(caller: Caller, server: PracticeServer) -> None:
    with caller.connect() as raw:
        raw.sendall(b"GET /nowhere HTTP/1.1\r\n\r\n")
        assert raw.recv(12) == b"HTTP/1.1 404"
        server.stop()
        while raw.recv(65536):
            pass
    server.pause_listening()  # nothing to do
    server.resume_listening()


def test_connections_may_come_while_it_stops(server: PracticeServer) -> None:
    address = urlsplit(server.url)
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", address.port or 0)) as raw:
                raw.sendall(b"GET /nowhere HTTP/1.1\r\n\r\n")
                raw.recv(12)

    knockers = [threading.Thread(target=knock) for _ in range(8)]
    for knocker in knockers:
        knocker.start()
    for served in range(1, 11):
        server.counters.wait_for("requests.unknown", served * 20)
        server.stop()
        server.start()
    done.set()
    for knocker in knockers:
        knocker.join()


def test_a_pause_refuses_connections_but_finishes_requests(caller: Caller, server: PracticeServer) -> None:
    assert caller.resource("x").status_code == 401  # leaves a connection open, which the pause must close
    server.faults.add("resource", "hang_before")
    with caller.connect() as raw:
        raw.sendall(b"GET /resource HTTP/1.1\r\n\r\n")
        server.held()
        server.pause_listening()
        server.pause_listening()
        for _ in range(3):
            with pytest.raises((httpx2.ConnectError, httpx2.RemoteProtocolError)):
                caller.resource("x")
        with pytest.raises(ConnectionRefusedError):
            caller.connect()
        server.faults.release()
        assert raw.recv(12) == b"HTTP/1.1 401"
    server.resume_listening()
    server.resume_listening()
    assert caller.resource("x").status_code == 401


def test_the_port_is_kept_through_a_pause(server: PracticeServer) -> None:
    address = ("127.0.0.1", urlsplit(server.url).port or 0)
    server.pause_listening()
    with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
        stranger.bind(address)
    server.stop()
    with socket.socket() as stranger:
        stranger.bind(address)


def test_it_stops_while_requests_hang(server: PracticeServer, caller: Caller) -> None:
    server.faults.add("resource", "hang_before", times=None)
    server.settings.latency = 3600
    connections = [caller.connect() for _ in range(20)]
    for number, raw in enumerate(connections):
        path = b"/resource" if number % 2 else b"/token"  # held by a fault, or by latency
        raw.sendall(b"GET " + path + b" HTTP/1.1\r\n\r\n")
    server.held(10)
    server.counters.wait_for("requests.token", 10)
    server.pause_listening()
    server.stop()
    assert server.counters["held"] == 0
    for raw in connections:
        with raw:
            assert raw.recv(1) == b""


def test_a_thousand_connections_at_once(caller: Caller, server: PracticeServer) -> None:
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(caller.connect()) for _ in range(1000)]
        for raw in connections:
            raw.sendall(b"GET /resource HTTP/1.1\r\n\r\n")
        assert {raw.recv(12) for raw in connections} == {b"HTTP/1.1 401"}
    assert server.counters["requests.resource"] == 1000


def test_a_taken_port_is_one_clear_error(server: PracticeServer) -> None:
    port = int(server.url.rpartition(":")[2])
    other = PracticeServer(port=port)
    with pytest.raises(ConfigError, match=str(port)) as caught:
        other.start()
    assert caught.value.remedy
    with pytest.raises(ConfigError):
        PracticeServer(port=70000).start()


def test_it_listens_on_loopback_only(server: PracticeServer) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.url)


def test_settings_are_copied_and_checked() -> None:
    mine = Settings(reuse_grace=3)
    one, other = PracticeServer(mine), PracticeServer(mine)
    one.settings.reuse_grace = 9
    assert (mine.reuse_grace, other.settings.reuse_grace) == (3, 3)
    for name, value in (("rotation", 1), ("reuse_grace", -1), ("token_length", 5), ("grace_successor", [])):
        with pytest.raises(ConfigError, match=name):
            setattr(mine, name, value)
    with pytest.raises(ConfigError):
        Settings(latency=float("nan"))
    with pytest.raises(AttributeError):
        mine.colour = "red"  # type: ignore[attr-defined]


def test_no_secret_is_logged(caller: Caller, server: PracticeServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "vestal")
    caplog.set_level(logging.DEBUG, "asyncio")
    first = server.issue_refresh_token()
    members = caller.refresh(first).json()
    caller.refresh(first)
    callback = caller.callback(caller.authorization_url(state="canary-state"))
    caller.resource(members["access_token"])
    caller.http.get(f"/resource?access_token={members['access_token']}")
    caller.http.get(f"/{members['access_token']}")
    caller.control("GET", "counters")
    text = caplog.text
    assert "POST token 200" in text
    for secret in (first, *members.values(), callback["code"], "canary-state", server.control_key, "practice-secret"):
        assert not isinstance(secret, str) or len(secret) < 10 or secret not in text


def test_what_is_shown_of_a_request_is_no_secret() -> None:
    assert "canary" not in repr(Request("GET", "/canary", "canary=1", {"authorization": "canary"}, b"canary"))


def test_a_defect_is_counted_and_answered(
    caller: Caller, server: PracticeServer, caplog: pytest.LogCaptureFixture
) -> None:
    server._state.clients["practice"] = None  # type: ignore[assignment]  # breaks it for good
    server._state.issuer = None  # type: ignore[assignment]
    server._state.devices = None  # type: ignore[assignment]
    answer = caller.http.post("/device_authorization", data={"client_id": "practice-public", "scope": "canary-scope"})
    assert answer.status_code == 500
    assert server.counters["defects"] == 1
    assert "TypeError" in caplog.text
    assert "devices.py" in caplog.text
    assert "canary" not in caplog.text
    server.counters.add("defects", -1)


def test_run_stops_when_it_is_told_to() -> None:
    stop, urls = threading.Event(), []

    def announce(server: PracticeServer) -> None:
        urls.append(server.url)
        assert httpx2.get(f"{server.url}/resource", trust_env=False).status_code == 418
        stop.set()

    run(Settings(access_token_lifetime=5), faults=["resource:status,status=418"], announce=announce, stop=stop)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(urls[0], trust_env=False)
    with pytest.raises(ConfigError):
        run(faults=["token:explode"], announce=announce, stop=stop)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_run_as_a_program_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", "from vestal.testing.practice import run; run()"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().split()[-1]
        key = next(line for line in program.stdout if line.startswith("control key")).split()[-1]
        answer = httpx2.get(f"{url}/practice/settings", headers={"Practice-Key": key}, trust_env=False)
        assert answer.json()["access_token_lifetime"] == 60
        program.send_signal(number)
        _, errors = program.communicate(timeout=30)
    assert (program.returncode, errors) == (0, "")
