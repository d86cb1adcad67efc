"""A GitHub that has git as well: repositories by git's own http-backend behind the stub's tokens, all else by the stub."""

from __future__ import annotations

import base64
import http.client
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from tests.github.stub.refusal import Refused
from tests.github.stub.server import Stub


class GitServer:
    """A context manager. `folder` has bare repositories: `acme/secret.git`."""

    def __init__(self, stub: Stub, folder: Path) -> None:
        self.stub, self.folder = stub, folder
        self.log: list[tuple[str, int]] = []
        """Requests of git, and how they were answered."""
        owner = self

        class Handler(_Handler):
            server_of = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def lets_in(self, authorization: str) -> bool:
        """Whether a request of git is let in: Basic, any name, a token that is good now."""
        scheme, _, coded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        user, _, token = base64.b64decode(coded).decode().partition(":")
        try:
            self.stub.service.tokens.find(token)
        except Refused:
            return False
        return user == "x-access-token"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_of: GitServer

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self._body()
        if ".git/" not in self.path:
            self._forward(body)
        elif not self.server_of.lets_in(self.headers.get("Authorization", "")):
            self.server_of.log.append((self.path, 401))
            self._send(401, {"WWW-Authenticate": 'Basic realm="GitHub"'}, b"")
        else:
            self._backend(body)

    def _backend(self, body: bytes) -> None:
        """CGI (RFC 3875), as `git help http-backend` has it."""
        parts = urlsplit(self.path)
        told = {
            "GIT_PROJECT_ROOT": str(self.server_of.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "somebody",
            "PATH": os.environ["PATH"],
        }
        run = subprocess.run(["git", "http-backend"], input=body, env=told, capture_output=True, timeout=60)
        head, _, content = run.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        status = int(headers.pop("Status", "200").split()[0])
        self.server_of.log.append((self.path, status))
        self._send(status, headers, content)

    def _forward(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.server_of.stub.url).netloc, timeout=30)
        try:
            connection.request(self.command, self.path, body or None, dict(self.headers))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        skipped = ("content-length", "transfer-encoding", "connection")
        self._send(answer.status, {k: v for k, v in answer.headers.items() if k.lower() not in skipped}, content)

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)
