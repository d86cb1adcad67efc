"""How a hook tells its source of a token that was refused, when the request can't be sent again."""

from __future__ import annotations

import queue
import threading

import httpx2

from tests.hooks.sources import Ladder
from vestal.core.token import Token
from vestal.hooks.httpx2 import VestalAuth


class Slow(Ladder):
    """Each report waits to be let through."""

    def __init__(self) -> None:
        super().__init__()
        self.at_work: queue.Queue[threading.Thread] = queue.Queue()
        self.go_on = threading.Semaphore(0)

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        if newer_than is not None:
            self.at_work.put(threading.current_thread())
            assert self.go_on.acquire(timeout=30)
        return super().token(newer_than, min_ttl)


class Refusing(httpx2.BaseTransport):
    """Takes the body as it comes, and refuses it."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        assert isinstance(request.stream, httpx2.SyncByteStream)
        assert b"".join(request.stream) == b"body"
        return httpx2.Response(401)


def test_reports_go_one_at_a_time_and_hold_nobody_up() -> None:
    source = Slow()
    with httpx2.Client(auth=VestalAuth(source), transport=Refusing()) as client:

        def upload() -> int:
            return client.post("https://api.example.com", content=iter([b"body"])).status_code

        assert [upload() for _ in range(3)] == [401] * 3  # while the first report still waits
        report = source.at_work.get(timeout=30)
        assert report.daemon
        source.go_on.release()
        report.join(30)
        assert source.newer == [1]

        assert upload() == 401
        source.go_on.release()
        source.at_work.get(timeout=30).join(30)
        assert source.newer == [1, 2]
