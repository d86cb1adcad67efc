"""Every fault, seen from a client; and whether the request took effect."""

from __future__ import annotations

import json
import socket
import struct
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from vestal.core.errors import ConfigError
from vestal.testing.practice import ENDPOINTS, Kind, PracticeServer
from vestal.testing.practice.fault import fault, parse

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller


@pytest.fixture
def token(server: PracticeServer) -> str:
    return server.issue_refresh_token()


def add(server: PracticeServer, kind: str, **options: Any) -> None:
    server.faults.add("token", kind, **options)


def test_faults_wait_in_a_queue(caller: Caller, server: PracticeServer) -> None:
    add(server, "status", times=2, status=500)
    add(server, "pass")
    add(server, "status", status=502, times=None)
    statuses = [caller.token(grant_type="client_credentials").status_code for _ in range(6)]
    assert statuses == [500, 500, 200, 502, 502, 502]
    server.faults.clear("token")
    assert caller.token(grant_type="client_credentials").status_code == 200
    assert server.counters["faults.status"] == 5
    assert server.counters["requests.token"] == 7


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_can_fail(caller: Caller, server: PracticeServer, endpoint: str) -> None:
    server.faults.add(endpoint, "status", status=599)
    path = "/.well-known/openid-configuration" if endpoint == "discovery" else f"/{endpoint}"
    assert caller.http.get(path).status_code == 599
    assert caller.http.get(path).status_code != 599
    assert server.counters[f"requests.{endpoint}"] == 2


def test_status(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "status", status=503, body='{"error": "temporarily_unavailable"}', retry_after=7)
    answer = caller.refresh(token)
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (
        503,
        {"error": "temporarily_unavailable"},
        "7",
    )
    assert server.counters.presented(token) == 0
    add(server, "status", status=502, redeem=True)
    assert caller.refresh(token).status_code == 502
    assert server.counters.redeemed(token) == 1


def test_rate_limit(caller: Caller, server: PracticeServer, token: str) -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    add(server, "rate_limit")
    add(server, "rate_limit", retry_after=date)
    answers = [caller.refresh(token) for _ in range(2)]
    assert [(a.status_code, a.headers["retry-after"]) for a in answers] == [(429, "1"), (429, date)]
    assert server.counters.presented(token) == 0


def test_error_200(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "error_200", error="bad_refresh_token")
    answer = caller.refresh(token)
    assert (answer.status_code, answer.json()["error"]) == (200, "bad_refresh_token")
    assert server.counters.presented(token) == 0


def test_empty_400(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "empty_400")
    answer = caller.refresh(token)
    assert (answer.status_code, answer.content) == (400, b"")
    assert server.counters.presented(token) == 0


def test_redirect(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "redirect", location="https://evil.example/token")
    answer = caller.refresh(token)
    assert (answer.status_code, answer.headers["location"]) == (307, "https://evil.example/token")
    assert server.counters.presented(token) == 0


def test_garbage(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "garbage", size=100)
    answer = caller.refresh(token)
    assert (answer.status_code, len(answer.content)) == (200, 100)
    with pytest.raises(ValueError):
        answer.json()
    assert server.counters.redeemed(token) == 1


def test_truncated(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "truncated")
    answer = caller.refresh(token)
    assert answer.status_code == 200
    assert answer.content.startswith(b'{"access_token')
    with pytest.raises(ValueError):
        answer.json()
    assert server.counters.redeemed(token) == 1


def test_content_type(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "content_type")
    answer = caller.refresh(token)
    assert answer.headers["content-type"] == "text/html"
    assert answer.json()["access_token"]


def test_huge(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "huge", size=3_000_000)
    answer = caller.refresh(token)
    assert len(answer.content) > 3_000_000
    assert caller.resource(answer.json()["access_token"]).status_code == 200


def test_drip(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "drip", pieces=10, seconds=0.001)
    assert caller.refresh(token).json()["access_token"]
    assert caller.token(grant_type="client_credentials").status_code == 200
    add(server, "drip", pieces=10, seconds=0.001)
    answer = caller.http.post("/token", headers={"Connection": "close"})
    assert answer.json()["error"] == "invalid_request"


def test_drip_until_the_client_goes(caller: Caller, server: PracticeServer) -> None:
    server.faults.add("resource", "drip", pieces=1000, seconds=0.001)
    with caller.connect() as raw:
        raw.sendall(b"GET /resource HTTP/1.1\r\n\r\n")
        assert raw.recv(1)
    assert caller.resource("x").status_code == 401


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(("kind", "redeemed"), [("cut_before", 0), ("cut_after", 1)])
def test_cut(caller: Caller, server: PracticeServer, token: str, kind: str, redeemed: int, reset: bool) -> None:
    add(server, kind, reset=reset)
    expected = httpx2.ReadError if reset else httpx2.RemoteProtocolError
    with pytest.raises(expected):
        caller.refresh(token)
    assert server.counters.redeemed(token) == redeemed


def test_cut_in_the_middle(caller: Caller, server: PracticeServer, token: str) -> None:
    add(server, "cut_middle")
    with pytest.raises(httpx2.RemoteProtocolError, match="complete message body"):
        caller.refresh(token)
    assert server.counters.redeemed(token) == 1


@pytest.mark.parametrize(("kind", "while_held"), [("hang_before", 0), ("hang_after", 1)])
def test_hang_until_released(caller: Caller, server: PracticeServer, token: str, kind: str, while_held: int) -> None:
    add(server, kind)
    with ThreadPoolExecutor(1) as pool:
        answer: Future[httpx2.Response] = pool.submit(caller.refresh, token)
        server.held()
        assert server.counters.redeemed(token) == while_held
        assert not answer.done()
        assert server.faults.release() == 1
        assert answer.result(30).status_code == 200
    assert server.counters.redeemed(token) == 1
    assert server.counters["held"] == 0
    assert server.faults.release() == 0


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(("kind", "redeemed"), [("hang_before", 0), ("hang_after", 1)])
def test_hang_until_the_client_goes(
    caller: Caller, server: PracticeServer, token: str, kind: str, redeemed: int, reset: bool
) -> None:
    add(server, kind)
    body = f"grant_type=refresh_token&refresh_token={token}&client_id=practice&client_secret=practice-secret"
    with caller.connect() as raw:
        raw.sendall(
            b"POST /token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        server.held()
        if reset:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    let_go = threading.Event()

    def wait() -> None:  # a count that falls: held is 0 again
        while server.counters["held"]:
            let_go.wait(0.001)

    watcher = threading.Thread(target=wait)
    watcher.start()
    watcher.join(30)
    assert not watcher.is_alive()
    assert server.counters.redeemed(token) == redeemed
    assert server.faults.release() == 0


def test_many_can_be_held(caller: Caller, server: PracticeServer) -> None:
    server.faults.add("resource", "hang_before", times=None)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(caller.resource, "x") for _ in range(20)]
        server.held(20)
        server.faults.clear()
        assert server.faults.release() == 20
        assert {answer.result(30).status_code for answer in answers} == {401}


def test_waiting_for_what_does_not_come(server: PracticeServer) -> None:
    with pytest.raises(TimeoutError, match="held is 0"):
        server.held(timeout=0.01)


def test_latency_comes_after_the_effect(caller: Caller, server: PracticeServer, token: str) -> None:
    server.settings.latency = 3600
    with pytest.raises(httpx2.ReadTimeout):
        caller.http.post(
            "/token",
            data={"grant_type": "refresh_token", "refresh_token": token},
            auth=("practice", "practice-secret"),
            timeout=httpx2.Timeout(30, read=0.2),
        )
    assert server.counters.redeemed(token) == 1
    server.settings.latency = 0.01
    assert caller.token(grant_type="client_credentials").status_code == 200


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("explode", {}),
        ("status", {"colour": "red"}),
        ("status", {"status": "red"}),
        ("status", {"status": True}),
        ("status", {"redeem": 1}),
        ("status", {"self": 1}),
        ("rate_limit", {"retry_after": "1\r\nX: y"}),
        ("garbage", {"size": -1}),
        ("drip", {"seconds": float("nan")}),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(server: PracticeServer, kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        server.faults.add("token", kind, **options)
    assert caught.value.remedy


def test_endpoint_and_times_are_checked(server: PracticeServer) -> None:
    with pytest.raises(ConfigError):
        server.faults.add("nowhere", "status")
    with pytest.raises(ConfigError):
        server.faults.add("token", "status", times=0)


def test_a_fault_in_one_line() -> None:
    assert parse("token:cut_after") == ("token", "cut_after", 1, {})
    assert parse("token:status,times=2,status=502,redeem=true") == (
        "token",
        "status",
        2,
        {"status": 502, "redeem": True},
    )
    assert parse("resource:drip,times=always,seconds=0.5") == ("resource", "drip", None, {"seconds": 0.5})
    for text in ("", "token", "token:status,times", "token:status,times=often", "token:status,times=true"):
        with pytest.raises(ConfigError):
            parse(text)


def test_every_kind_has_defaults() -> None:
    for kind in Kind:
        assert fault(kind).kind is kind
    assert json.dumps(list(Kind))
