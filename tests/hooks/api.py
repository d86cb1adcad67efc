"""A small protected API on loopback, for the hooks' tests: it keeps every request that it saw."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


class Api(ThreadingHTTPServer):
    """Answers 200 to the tokens in `accepted` and 401 to all others. Paths that do something else:

    /status/N     answers N
    /redirect     answers `status` (307) with `Location: to`, both from the query
    /gate         keeps a refused request until `gate` many have come
    """

    request_queue_size = 256
    daemon_threads = False  # closing waits for the handlers, and so finds a client that left a connection open

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen: list[Seen] = []
        self.connections: set[tuple[str, int]] = set()
        self.accepted: set[str] = set()
        self.guarded = False
        """/redirect asks for a token, too."""
        self.challenges: list[str] = ['Bearer realm="api", error="invalid_token"']
        self.nonce: str | None = None
        """If set, a request must carry a DPoP proof for itself with this nonce, and its answer says so."""
        self.gate: threading.Barrier | None = None
        self.hold: threading.Event | None = None
        """If set, the body of a 401 comes after it only."""
        self.proofs: set[str] = set()

    @property
    def authorizations(self) -> list[str | None]:
        return [request.authorization for request in self.seen]

    def answer(self, request: Seen) -> tuple[int, list[tuple[str, str]]]:
        place = urlsplit(request.path)
        if place.path.startswith("/status/"):
            return int(place.path.removeprefix("/status/")), []
        token = (request.authorization or "").partition(" ")[2]
        if place.path == "/redirect" and (token in self.accepted or not self.guarded):
            query = parse_qs(place.query)
            return int(query.get("status", ["307"])[0]), [("Location", query["to"][0])]
        if self.nonce is not None and (error := self._proof_error(request)):
            return 401, [("WWW-Authenticate", f'DPoP error="{error}"'), ("DPoP-Nonce", self.nonce)]
        if token in self.accepted:
            return 200, []
        if place.path == "/gate":
            assert self.gate is not None
            self.gate.wait(60)
        return 401, [("WWW-Authenticate", challenge) for challenge in self.challenges]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client may cut a connection; whatever else goes wrong here is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    def _proof_error(self, request: Seen) -> str | None:
        """What is wrong with the request's proof (RFC 9449, 4.3), which is plain JSON here."""
        proof = json.loads(request.headers.get("dpop", "{}"))
        if proof.get("htm") != request.method or proof.get("htu") != self.origin + request.path:
            return "invalid_dpop_proof"
        if proof["jti"] in self.proofs:
            return "invalid_dpop_proof"
        self.proofs.add(proof["jti"])
        return None if proof["nonce"] == self.nonce else "use_dpop_nonce"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    server: Api
    client_address: tuple[str, int]

    def _serve(self) -> None:
        request = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self._body())
        self.server.seen.append(request)
        self.server.connections.add(self.client_address)
        status, headers = self.server.answer(request)
        body = b"" if status == 204 else json.dumps({"status": status}).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status == 401 and self.server.hold is not None:
            self.server.hold.wait(60)
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _serve

    def handle_expect_100(self) -> bool:
        """Refuse a bad token before the body comes; that leaves the connection to be closed."""
        if self.headers.get("Authorization", "").partition(" ")[2] in self.server.accepted:
            return super().handle_expect_100()
        self.server.seen.append(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, b""))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        return False

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running() -> Iterator[Api]:
    """An `Api` on a free port of 127.0.0.1."""
    with Api() as api:
        thread = threading.Thread(target=api.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield api
        finally:
            api.shutdown()
            thread.join()
