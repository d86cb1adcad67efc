"""The senders against a real server: sync and async alike."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from vestal.core.errors import ConfigError, HTTPError, NetworkError, Outcome, TimedOut, VestalError
from vestal.core.secret import Secret
from vestal.services.exchange import APIRequest, APIResponse
from vestal.services.sender import APISender, AsyncAPISender
from vestal.testing.clock import FakeClock

TOKEN = "ghs_thismustnotshowinanytraceback"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/cut":
            self.close_connection = True
            return
        if self.path == "/hang":
            self.server.gate.wait(20)  # type: ignore[attr-defined]
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with suppress(OSError):
                self.wfile.write(b"x" * 50_000)
            return
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/there")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = (self.headers.get("Authorization") or "") + f" {self.client_address[1]}"
        data = gzip.compress(body.encode())
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("X-Odd", "Yes")
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.gate = threading.Event()  # type: ignore[attr-defined]
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}"
    httpd.gate.set()  # type: ignore[attr-defined]
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def sent(
    kind: str, *requests: APIRequest, read: float = 20.0, clock: FakeClock | None = None, **limits: int
) -> list[APIResponse]:
    clock = clock or FakeClock(1000.0)
    if kind == "sync":
        sender = APISender(clock, read=read, **limits)
        try:
            return [sender(request) for request in requests]
        finally:
            sender.close()

    async def all_of_them() -> list[APIResponse]:
        sender = AsyncAPISender(clock, read=read, **limits)
        try:
            return [await sender(request) for request in requests]
        finally:
            await sender.close()

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("kind", ["sync", "async"])
class TestSenders:
    def test_an_answer(self, kind: str, server: str) -> None:
        [answer] = sent(kind, APIRequest("GET", server + "/", {"Authorization": Secret("Bearer x")}))
        assert answer.status == 200
        assert answer.body.split()[:2] == [b"Bearer", b"x"]
        assert answer.headers["x-odd"] == "Yes"
        assert answer.sent_at == 1000.0

    def test_connections_are_kept(self, kind: str, server: str) -> None:
        first, second = sent(kind, APIRequest("GET", server + "/"), APIRequest("GET", server + "/"))
        assert first.body == second.body

    def test_redirects_are_not_followed(self, kind: str, server: str) -> None:
        [answer] = sent(kind, APIRequest("GET", server + "/elsewhere"))
        assert (answer.status, answer.headers["location"]) == (302, "/there")

    def test_a_cut_connection_has_an_unknown_outcome(self, kind: str, server: str) -> None:
        with pytest.raises(NetworkError) as caught:
            sent(kind, APIRequest("GET", server + "/cut", {"Authorization": Secret(TOKEN)}))
        assert caught.value.outcome is Outcome.UNKNOWN
        dump = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        assert TOKEN not in "".join(dump.format())

    def test_a_hanging_server(self, kind: str, server: str) -> None:
        with pytest.raises(TimedOut):
            sent(kind, APIRequest("GET", server + "/hang"), read=0.2)

    def test_nobody_listens(self, kind: str) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
            with pytest.raises(NetworkError) as caught:
                sent(kind, APIRequest("GET", url))
        assert caught.value.outcome is Outcome.NOT_SENT

    @pytest.mark.parametrize("url", ["http://api.example.com/", "ftp://127.0.0.1/", "https://", "http://[::1"])
    def test_nothing_goes_out_in_the_clear(self, kind: str, url: str) -> None:
        with pytest.raises(ConfigError):
            sent(kind, APIRequest("GET", url, {"Authorization": Secret(TOKEN)}))

    def test_what_can_not_be_written(self, kind: str, server: str) -> None:
        with pytest.raises(VestalError) as caught:
            sent(kind, APIRequest("GET", server + "/", {"Authorization": Secret("a\nb")}))
        assert caught.value.outcome is Outcome.NOT_SENT

    def test_an_answer_that_is_too_large(self, kind: str, server: str) -> None:
        with pytest.raises(HTTPError) as caught:
            sent(kind, APIRequest("GET", server + "/drip"), largest=10_000)
        assert caught.value.code == "large_response"
        assert len(sent(kind, APIRequest("GET", server + "/drip"), largest=50_000)[0].body) == 50_000

    def test_an_answer_that_does_not_end(self, kind: str, server: str) -> None:
        with pytest.raises(TimedOut):
            sent(kind, APIRequest("GET", server + "/drip"), clock=HastyClock())


class HastyClock(FakeClock):
    """Every look at it takes an hour."""

    def steady(self) -> float:
        self.advance(3600.0)
        return super().steady()


class Closing(APISender):
    """Another thread closes it at the worst moment."""

    def _open(self) -> httpx2.Client:
        client = super()._open()
        self.close()
        return client


def test_a_client_that_is_closed_under_a_request(server: str) -> None:
    with pytest.raises(NetworkError) as caught:
        Closing()(APIRequest("GET", server + "/", {"Authorization": Secret(TOKEN)}))
    assert TOKEN not in dumped(caught.value)


def test_each_event_loop_has_connections_of_its_own(server: str) -> None:
    sender = AsyncAPISender()

    async def once() -> int:
        try:
            return (await sender(APIRequest("GET", server + "/"))).status
        finally:
            await sender.close()

    async def without_closing() -> int:
        return (await sender(APIRequest("GET", server + "/"))).status

    assert asyncio.run(once()) == 200
    with asyncio.Runner() as first, asyncio.Runner() as second:
        assert first.run(without_closing()) == 200
        assert second.run(once()) == 200
        assert first.run(once()) == 200


async def test_a_cancelled_request_shows_no_token(server: str) -> None:
    sender = AsyncAPISender()
    request = APIRequest("GET", server + "/hang", {"Authorization": Secret(TOKEN)})
    task = asyncio.create_task(sender(request))
    await asyncio.sleep(0.05)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough") as cancelled:
        await task
    with pytest.raises(TimeoutError) as late:
        async with asyncio.timeout(0.05):
            await sender(request)
    await sender.close()
    assert TOKEN not in dumped(cancelled.value) + dumped(late.value)


def dumped(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
