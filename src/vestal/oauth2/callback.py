"""The HTTP side of the loopback: takes GET requests for one path on 127.0.0.1 and hands on their queries.

Connections that send nothing, or slowly, wait in threads of their own and hold nobody up: browsers open some for later,
and anything on the machine may knock.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from vestal.core.secret import Secret
from vestal.oauth2.page import Page

ADDRESS = "127.0.0.1"

_IDLE = 10.0
"""Seconds without a byte after which a connection is closed."""
_MOST_CONNECTIONS = 64
_POLL = 0.05
"""Seconds: how soon the server notices that it shall stop."""

_log = logging.getLogger("vestal")

Answer = Callable[[Secret], tuple[int, Page]]
"""Status and page for a query; may block."""


class CallbackServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens from the start, serves from `start` to `close`. Not http.server.HTTPServer: that one asks the DNS."""

    allow_reuse_address = True
    allow_reuse_port = False
    request_queue_size = _MOST_CONNECTIONS
    daemon_threads = False  # so that `close` waits for the last page to be sent

    def __init__(self, port: int, path: str, answer: Answer) -> None:
        """Raises OSError if the port can't be had."""
        self.path = path
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL,), name="vestal-login", daemon=True)
        super().__init__((ADDRESS, port), _Request)
        self.port: int = self.server_address[1]

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Answer what has been asked, read nothing more, and end all threads."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
        self.server_close()

    def is_named(self, hosts: list[str]) -> bool:
        """Whether a request was meant for this server: by another name it comes from a page that had DNS point here."""
        names = {f"{name}:{self.port}" for name in (ADDRESS, "localhost")}
        return len(hosts) == 1 and hosts[0].lower() in (names | {ADDRESS, "localhost"} if self.port == 80 else names)

    # What socketserver calls

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more connection."""
        with self._lock:
            return len(self._open) < _MOST_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin with a connection."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Be done with a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection broke. Its traceback is not for a terminal: the request has the code in it."""
        _log.debug("a connection to the login's callback broke: %s", type(sys.exception()).__name__)


class _Request(BaseHTTPRequestHandler):
    server: CallbackServer
    timeout = _IDLE

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not self.server.is_named(self.headers.get_all("Host", [])):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        elif path != self.server.path:
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            self._send(*self.server.answer(Secret(query)))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        status = HTTPStatus.METHOD_NOT_ALLOWED if code == HTTPStatus.NOT_IMPLEMENTED else HTTPStatus(code)
        self._send(status, Page(status.phrase, "This is where Vestal waits for the end of a login.", ok=False))

    def _send(self, status: int, page: Page) -> None:
        self.send_response(status)
        for name, value in page.headers().items():
            self.send_header(name, value)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")  # RFC 9110, section 15.5.6
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page.html())

    def version_string(self) -> str:
        return "Vestal"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the request line has the code in it."""
