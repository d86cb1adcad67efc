"""The service behind a gateway: over TLS, at any path, for those with a token that the practice server takes."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


class Upstream:
    """A context manager. Its certificate is for `localhost`."""

    def __init__(self, practice: Sequence[str], certificate: Path) -> None:
        """`practice`: addresses of practice servers, any of which may know a token."""
        self.seen: list[Seen] = []
        self._practice = [urlsplit(address).netloc for address in practice]
        owner = self

        class Handler(_Handler):
            upstream = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True  # gateways keep their connections
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.port = self._server.server_port

    def judge(self, authorization: str) -> tuple[int, bytes]:
        """What the practice servers say to that."""
        for address in self._practice:
            connection = http.client.HTTPConnection(address, timeout=30)
            try:
                connection.request("GET", "/resource", headers={"Authorization": authorization})
                answer = connection.getresponse()
                told = answer.status, answer.read()
            finally:
                connection.close()
            if told[0] == 200:
                break
        return told

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    upstream: Upstream
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.upstream.seen.append(Seen(self.command, self.path, tuple(self.headers.items()), body))
        status, content = self.upstream.judge(self.headers.get("Authorization", ""))
        if status == 200 and self.path.startswith("/status/"):
            status, content = int(self.path.split("/")[2]), b"its own"
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _answer

    def handle(self) -> None:
        with suppress(ssl.SSLError, ConnectionError):  # a gateway that does not trust the certificate hangs up
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        pass
