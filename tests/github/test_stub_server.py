"""The stub as a server: many connections, stopping, the control over HTTP, and a process of its own."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.github.jwts import bearer
from tests.github.stub.process import StubProcess
from tests.github.stub.server import Stub


def test_128_connections_at_once(stub: Stub) -> None:
    token = stub.add_pat("alice")
    all_here = threading.Barrier(128)

    def ask(_: int) -> int:
        all_here.wait(30)
        connection = socket.create_connection(("127.0.0.1", int(stub.url.rpartition(":")[2])), timeout=30)
        with connection:
            head = f"GET /user HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\nAuthorization: Bearer {token}\r\n\r\n"
            connection.sendall(head.encode())
            return int(connection.recv(65536).split()[1])

    stub.configure(latency=0.2)
    with ThreadPoolExecutor(128) as threads:
        assert list(threads.map(ask, range(128))) == [200] * 128
    assert stub.limits.bucket(stub.owner_of(token)).used == 128
    assert stub.state()["limits"]["owners"][stub.owner_of(token)]["most_under_way"] > 100
    assert (stub.owner_of(token), "concurrent") in stub.limits.violations


def test_pipelined_requests_are_answered_in_order(stub: Stub) -> None:
    with socket.create_connection(("127.0.0.1", int(stub.url.rpartition(":")[2])), timeout=10) as connection:
        paths = ("/users/alice", "/users/nobody", "/users/bob")
        connection.sendall(
            b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: t\r\n\r\n".encode() for path in paths)
        )
        seen = b""
        while seen.count(b"HTTP/1.1 ") < 3 or b'"login":"bob"' not in seen:
            seen += connection.recv(65536)
    assert [int(part[:3]) for part in seen.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200]


def test_who_gives_up_is_no_longer_counted(stub: Stub, http: httpx2.Client) -> None:
    token = stub.add_pat("alice")
    stub.fault("slow", seconds=60)
    with pytest.raises(httpx2.ReadTimeout):
        http.get("/user", headers=bearer(token), timeout=0.1)
    http.get("/user", headers=bearer(token))
    assert stub.service.limits.under_way(stub.owner_of(token)) == 0


def test_log(stub: Stub, http: httpx2.Client) -> None:
    token = stub.add_pat("alice")
    http.get("/search/issues?q=is:pr", headers=bearer(token))
    entry = stub.log[-1]
    assert (entry.method, entry.path, entry.owner) == ("GET", "/search/issues", stub.owner_of(token))
    assert (entry.status, entry.resource, entry.cost) == (200, "search", 1)


def test_a_broken_handler_is_seen(stub: Stub, http: httpx2.Client) -> None:
    del stub.world.repository("acme/widgets").tree["README.md"]
    answer = http.get("/repos/acme/widgets/readme", headers=bearer(stub.add_pat("alice")))
    assert (answer.status_code, "KeyError" in answer.text) == (500, True)


def test_process() -> None:
    with StubProcess(pulls=20, latency=0.001) as stub, httpx2.Client(base_url=stub.url, trust_env=False) as http:
        assert stub.pid != os.getpid()
        token = stub.call("add_pat", login="alice")
        app = stub.call("add_app")
        installation = stub.call("install", app=app["id"], account="acme")
        assert installation["account"] == "acme"
        assert app["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
        numbers = [
            pull["number"] for pull in http.get("/repos/acme/widgets/pulls?state=all", headers=bearer(token)).json()
        ]
        truth = stub.call("dump", repository="acme/widgets")
        assert sorted(numbers) == [pull["number"] for pull in truth["pulls"]]
        assert truth["pulls"][0]["created_at"].endswith("Z")
        changed = stub.call("change_pull", repository="acme/widgets", number=3, title="New")
        assert changed["title"] == "New"
        stub.call("fault", kind="bad_gateway", path="/user$")
        assert http.get("/user", headers=bearer(token)).status_code == 502
        stub.call("set_limit", owner=stub.call("owner_of", token=token), remaining=0)
        assert http.get("/user", headers=bearer(token)).status_code == 403
        stub.call("advance", seconds=3601)
        assert http.get("/user", headers=bearer(token)).status_code == 200
        assert stub.call("revoke", token=token)
        assert http.get("/user", headers=bearer(token)).status_code == 401
        state = stub.call("state")
        assert state["by_status"] == {"200": 2, "502": 1, "403": 1, "401": 1}
        assert [entry["status"] for entry in stub.call("requests", since=1)] == [502, 403, 200, 401]
        with pytest.raises(ValueError, match="nobody is called eve"):
            stub.call("add_pat", login="eve")
        with pytest.raises(ValueError, match="no call is named"):
            stub.call("_user", login="alice")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(stub.url.rpartition(":")[2])), timeout=5)
