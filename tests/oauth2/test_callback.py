from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx2
import pytest

from vestal.core.secret import Secret
from vestal.oauth2.callback import CallbackServer
from vestal.oauth2.page import Page

DONE = Page("Done", "All is well.", ok=True)


class Answers:
    """Keeps the queries; may be told to hold the answers back."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.arrived = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, query: Secret) -> tuple[int, Page]:
        self.queries.append(query.reveal())
        self.arrived.set()
        assert self.go_on.wait(10)
        return 200, DONE


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def server(answers: Answers) -> Iterator[CallbackServer]:
    before = threading.active_count()
    server = CallbackServer(0, "/callback", answers)
    server.start()
    yield server
    server.close()
    assert threading.active_count() == before


def get(server: CallbackServer, target: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{server.port}{target}", headers=headers, trust_env=False)


def connect(server: CallbackServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=10)


def exchange(server: CallbackServer, request: bytes) -> bytes:
    """All that comes back for some bytes."""
    with closing(connect(server)) as connection:
        connection.sendall(request)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_a_query_and_its_page(server: CallbackServer, answers: Answers) -> None:
    response = get(server, "/callback?code=a%20b&state=c")
    assert (response.status_code, response.content) == (200, DONE.html())
    assert answers.queries == ["code=a%20b&state=c"]


def test_headers(server: CallbackServer) -> None:
    headers = get(server, "/callback?a").headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "script" not in headers["content-security-policy"]
    assert headers["connection"] == "close"
    assert headers["server"] == "Vestal"


@pytest.mark.parametrize("target", ["/", "/favicon.ico", "/callback/", "/callbac", "/Callback?code=a", "//callback.x"])
def test_other_paths(server: CallbackServer, answers: Answers, target: str) -> None:
    assert get(server, target).status_code == 404
    assert answers.queries == []


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "PUT"])
def test_other_methods(server: CallbackServer, answers: Answers, method: str) -> None:
    response = httpx2.request(method, f"http://127.0.0.1:{server.port}/callback?code=a", trust_env=False)
    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert answers.queries == []


def test_names_of_this_machine(server: CallbackServer, answers: Answers) -> None:
    for host in (f"127.0.0.1:{server.port}", f"localhost:{server.port}", f"LOCALHOST:{server.port}"):
        assert get(server, "/callback?a", host=host).status_code == 200
    assert len(answers.queries) == 3


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:PORT", "127.0.0.1", "localhost:1", "127.0.0.1:PORT.evil", ""]
)
def test_other_names(server: CallbackServer, answers: Answers, host: str) -> None:
    assert get(server, "/callback?a", host=host.replace("PORT", str(server.port))).status_code == 421
    assert answers.queries == []


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /callback?a HTTP/1.1\r\n\r\n", b"421"),
        (b"GET /callback?a HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /callback?" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /callback?a HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"431"),
    ],
)
def test_malformed_requests(server: CallbackServer, answers: Answers, request_: bytes, status: bytes) -> None:
    with closing(connect(server)) as connection:
        connection.sendall(request_.replace(b"PORT", str(server.port).encode()))
        assert connection.recv(12).split()[1] == status
    assert answers.queries == []


@pytest.mark.parametrize(
    "noise",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\xff\r\n",
        b"SSH-2.0-scan\r\n",
        b"\r\n\r\n",
        b"GET /callback?a\r\n\r\n",
        b"GET /callback?a HTTP/3.0\r\n\r\n",
    ],
)
def test_noise(server: CallbackServer, answers: Answers, noise: bytes) -> None:
    exchange(server, noise)
    assert answers.queries == []
    assert get(server, "/callback?b").status_code == 200


def test_half_open_connections_hold_nobody_up(server: CallbackServer, answers: Answers) -> None:
    with ExitStack() as stack:
        for sent in [b""] * 10 + [b"GET /call", b"GET /callback?b HTTP/1.1\r\nHost: "] * 5:
            connection = stack.enter_context(closing(connect(server)))
            connection.sendall(sent)
        assert get(server, "/callback?a").status_code == 200
        server.close()  # ends them, instead of waiting for them
        assert connection.recv(12) == b"HTTP/1.0 421"  # what it had sent was no whole request, and it was cut off there
        while connection.recv(65536):
            pass
    assert answers.queries == ["a"]


def test_a_visitor_who_leaves_disturbs_nobody(
    server: CallbackServer, answers: Answers, capfd: pytest.CaptureFixture[str]
) -> None:
    answers.go_on.clear()
    connection = connect(server)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset instead of a good-bye
    connection.sendall(f"GET /callback?canary HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
    assert answers.arrived.wait(10)
    connection.close()
    answers.go_on.set()
    assert get(server, "/callback?b").status_code == 200
    server.close()
    assert capfd.readouterr() == ("", "")  # neither a traceback nor a request line, with the code in it


def test_no_more_connections_than_there_is_room_for(server: CallbackServer) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(closing(connect(server))) for _ in range(65)]
        assert crowd[-1].recv(1) == b""  # closed at once
        crowd[0].sendall(f"GET /callback?a HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        assert crowd[0].recv(12) == b"HTTP/1.0 200"


def test_closing_lets_the_page_out(server: CallbackServer, answers: Answers) -> None:
    answers.go_on.clear()
    with closing(connect(server)) as connection:
        connection.sendall(f"GET /callback?a HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode())
        assert answers.arrived.wait(10)
        closer = threading.Thread(target=server.close)
        closer.start()
        answers.go_on.set()
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        closer.join()
    assert received.endswith(DONE.html())


def test_only_this_machine_can_reach_it(server: CallbackServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_port_has_one_owner(server: CallbackServer, answers: Answers) -> None:
    with pytest.raises(OSError, match="in use"):
        CallbackServer(server.port, "/callback", answers)


def test_closing_before_the_start() -> None:
    server = CallbackServer(0, "/callback", Answers())
    server.close()
    assert server.socket.fileno() == -1
