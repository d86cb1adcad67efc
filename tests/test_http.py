"""The sender over real sockets: what goes wrong on the way, told apart, and whether the request may have arrived."""

from __future__ import annotations

import json
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from vestal.core.errors import ConfigError, HTTPError, NetworkError, Outcome, TimedOut, VestalError
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.http import LARGEST, HTTPSender

CANARY = "canary-5b7d"
ANSWER_CANARY = "canary-of-the-answer"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Odd: a\r\n"


class Service:
    """A socket that does with each connection what the test says, after it has read a whole request."""

    def __init__(self, answer: Callable[[socket.socket, threading.Event], None]) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.requests: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/token"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                request = read(connection)
                if self._stop.is_set():
                    return
                self.requests.append(request)
                with suppress(OSError):
                    self._answer(connection, self._stop)

    def __enter__(self) -> Service:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()


def read(connection: socket.socket) -> bytes:
    """One request, whole."""
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
        head, end, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if end and len(body) >= length:
            break
    return data


def says(data: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Send it, and close the connection."""
    return lambda connection, stop: connection.sendall(data)


def request(url: str) -> Request:
    secret = Secret(CANARY)
    return Request(
        "POST", url, {"Authorization": secret}, form={"refresh_token": secret, "grant_type": "refresh_token"}
    )


@contextmanager
def sending(**limits: float) -> Iterator[HTTPSender]:
    sender = HTTPSender(**limits)  # type: ignore[arg-type]
    yield sender
    sender.close()


def failure(url: str, kind: type[VestalError], outcome: Outcome, **limits: float) -> VestalError:
    """The error that a request gives: of this kind, one line, and nothing secret in it or in its traceback."""
    with sending(**limits) as sender, pytest.raises(VestalError) as caught:
        sender(request(url))
    error = caught.value
    assert (type(error), error.outcome) == (kind, outcome)
    assert (error.__cause__, error.__context__) == (None, None)
    assert "\n" not in str(error)
    report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "request = Request(" in report, "the locals were not captured"
    for secret in (CANARY, ANSWER_CANARY):
        assert secret not in report + repr(error.__dict__)
    return error


def test_an_exchange() -> None:
    with Service(says(HEAD + b"Content-Length: 4\r\n\r\n{\xff\x00}")) as service, sending() as sender:
        answer = sender(request(service.url))
        assert (answer.status, answer.bytes(), answer.headers["x-odd"]) == (200, b"{\xff\x00}", "a")
        [sent] = service.requests
        head, _, body = sent.partition(b"\r\n\r\n")
        assert f"Authorization: {CANARY}".encode().lower() in head.lower()
        assert body == f"refresh_token={CANARY}&grant_type=refresh_token".encode()


@pytest.mark.parametrize("form", [{}, {"a": "b"}])
def test_a_form_is_called_one_even_if_it_is_empty(form: dict[str, str]) -> None:
    with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as service, sending() as sender:
        sender(Request("POST", service.url, form=form))
        head, _, body = service.requests[0].partition(b"\r\n\r\n")
        assert head.lower().count(b"content-type: application/x-www-form-urlencoded") == 1
        assert b"content-length: %d" % len(body) in head.lower()


def test_json_is_sent_with_its_secrets() -> None:
    with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as service, sending() as sender:
        sender(Request("POST", service.url, json={"a": [Secret(CANARY)], "b": 1}))
        head, _, body = service.requests[0].partition(b"\r\n\r\n")
        assert b"content-type: application/json" in head.lower()
        assert json.loads(body) == {"a": [CANARY], "b": 1}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(status: int) -> None:
    """A token endpoint that redirects would be sent the secrets again, elsewhere."""
    with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as elsewhere:
        answer = f"HTTP/1.1 {status} Away\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode()
        with Service(says(answer)) as service, sending() as sender:
            assert sender(request(service.url)).status == status
        assert elsewhere.requests == []


def test_a_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/token"
    assert "Connection refused" in failure(url, NetworkError, Outcome.NOT_SENT).message


def test_a_name_that_nobody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    error = failure("https://no-such-host.invalid/token", NetworkError, Outcome.NOT_SENT)
    assert error.message.startswith("no-such-host.invalid can't be reached: ")


def test_no_answer_in_time() -> None:
    with Service(lambda connection, stop: bool_(stop.wait(60))) as service:
        error = failure(service.url, TimedOut, Outcome.UNKNOWN, read=0.3)
        assert len(service.requests) == 1
        service._stop.set()
    assert error.passing


def bool_(_: bool) -> None:
    """For lambdas that give nothing."""


CUTS = {
    "before the answer": b"",
    "in the status line": b"HTTP/1.1 2",
    "in the headers": HEAD,
    "before the body": HEAD + b"Content-Length: 100\r\n\r\n",
    "in the body": HEAD + b"Content-Length: 100\r\n\r\n" + ANSWER_CANARY.encode(),
    "in a chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\n40\r\n" + ANSWER_CANARY.encode(),
}


@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_connection(cut: str) -> None:
    with Service(says(CUTS[cut])) as service:
        error = failure(service.url, NetworkError, Outcome.UNKNOWN)
        assert len(service.requests) == 1, "it was sent again, unasked"
    assert "broke" in error.message


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        HEAD + b"Content-Length: many\r\n\r\n",
        HEAD.replace(b"X-Odd: a", b"Content-Encoding: gzip") + b"Content-Length: 4\r\n\r\nnone",
    ],
)
def test_an_answer_that_is_none(answer: bytes) -> None:
    with Service(says(answer)) as service, sending() as sender, pytest.raises((NetworkError, HTTPError)) as caught:
        sender(request(service.url))
    assert caught.value.outcome is Outcome.UNKNOWN


def test_a_huge_answer() -> None:
    head = HEAD + b"Content-Length: %d\r\n\r\n"
    with Service(says(head % LARGEST + b"x" * LARGEST)) as service, sending() as sender:
        assert len(sender(request(service.url)).bytes()) == LARGEST
    body = ANSWER_CANARY.encode() + b"x" * LARGEST
    with Service(says(head % len(body) + body)) as service:
        assert f"more than {LARGEST} bytes" in failure(service.url, HTTPError, Outcome.UNKNOWN).message


def test_an_answer_that_drips() -> None:
    """Each byte is in time; the whole is not."""

    def drip(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + ANSWER_CANARY.encode())
        while not stop.wait(0.01):
            connection.sendall(b"x")

    with Service(drip) as service:
        error = failure(service.url, TimedOut, Outcome.UNKNOWN, total=0.2, read=30)
    assert "did not finish its answer in time" in error.message


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost.example.com", "127.0.0.1.example.com", "[::2]"])
def test_plain_http_is_for_this_machine_only(host: str) -> None:
    with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as service:
        url = service.url.replace("127.0.0.1", host)
        failure(url, ConfigError, Outcome.NOT_SENT)
        assert service.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://acme.example/token",
        "//acme.example/token",
        "token",
        "",
        "https:///token",
        "https://[::1",
        "https://acme.example:port/",
        "https://\udcff/",
    ],
)
def test_what_is_no_address(url: str) -> None:
    failure(url, ConfigError, Outcome.NOT_SENT)


@pytest.mark.parametrize("end", ["\u2026", "\r\nX-Smuggled: 1", "\0"])
def test_a_header_that_can_not_be_sent(end: str) -> None:
    with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as service, sending() as sender:
        with pytest.raises(VestalError) as caught:
            sender(Request("POST", service.url, {"Authorization": Secret(f"{CANARY}{end}")}))
        report = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert (type(caught.value), caught.value.outcome) == (ConfigError, Outcome.NOT_SENT)
        assert CANARY not in report
        assert b"".join(service.requests) == b""


def test_loopback_goes_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as proxy:
        address = proxy.url.removesuffix("/token")
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(variable, address)
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
        with Service(says(HEAD + b"Content-Length: 0\r\n\r\n")) as service, sending() as sender:
            assert sender(request(service.url)).status == 200
            assert len(service.requests) == 1
        assert proxy.requests == []


def test_threads_share_a_sender_and_a_closed_one_opens_again() -> None:
    with Service(says(HEAD + b"Content-Length: 2\r\n\r\n{}")) as service, sending() as sender:
        answers: list[Response] = []
        threads = [threading.Thread(target=lambda: answers.append(sender(request(service.url)))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.bytes() for answer in answers] == [b"{}"] * 4
        sender.close()
        assert sender(request(service.url)).status == 200


def test_a_proxy_that_gives_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was sent through it: a refresh token must not count as redeemed."""
    with Service(says(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")) as proxy:
        for variable in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(variable, proxy.url.removesuffix("/token"))
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
        failure("https://acme.example/token", NetworkError, Outcome.NOT_SENT)
        assert [line.split()[0] for line in proxy.requests] == [b"CONNECT"]
        assert CANARY.encode() not in proxy.requests[0]


def test_nothing_is_remembered_between_requests() -> None:
    with (
        Service(says(HEAD + b"Set-Cookie: session=1; Path=/\r\nContent-Length: 0\r\n\r\n")) as service,
        sending() as sender,
    ):
        for _ in range(2):
            assert sender(request(service.url)).status == 200
    assert b"cookie" not in service.requests[1].lower()


def test_closing_does_not_cut_a_request_under_way() -> None:
    """Its outcome would be unknown, and a refresh token may hang on it."""
    received, go_on = threading.Event(), threading.Event()

    def answer(connection: socket.socket, stop: threading.Event) -> None:
        received.set()
        go_on.wait(10)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")

    answers: list[Response] = []
    with Service(answer) as service, sending() as sender:
        thread = threading.Thread(target=lambda: answers.append(sender(request(service.url))))
        thread.start()
        assert received.wait(10)
        sender.close()
        go_on.set()
        thread.join()
    assert [each.status for each in answers] == [200]
