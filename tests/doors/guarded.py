"""A server that lets in who brings what it wants, and shows files and answers to them."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]


def basic(username: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def certificate(folder: Path) -> Path:
    """A file with a key and its own certificate, for 127.0.0.1 and localhost."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    told = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = folder / "certificate.pem"
    file.write_bytes(told + made.public_bytes(serialization.Encoding.PEM))
    return file


class Guarded:
    """A context manager. `allowed` are the values of the Authorization header that are good."""

    def __init__(self, challenge: str = 'Basic realm="x"', *, tls: Path | None = None) -> None:
        """`tls`: a folder for a certificate that nobody trusts."""
        self.allowed: set[str] = set()
        self.challenge = challenge
        self.files: Path | None = None
        """Served as they are; with what `answers` has beside them, by path."""
        self.answers: dict[str, Answer | Callable[[bytes], Answer]] = {}
        self.seen: list[tuple[str, str, int]] = []
        """Requests: path, Authorization, status."""
        owner = self

        class Handler(_Handler):
            guarded = owner

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate(tls))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"{'http' if tls is None else 'https'}://{self.host}"

    def answer(self, path: str, authorization: str, body: bytes) -> Answer:
        """The answer to one request."""
        if authorization not in self.allowed:
            return 401, {"WWW-Authenticate": self.challenge}, b"no"
        found = self.answers.get(path)
        if found is not None:
            return found(body) if callable(found) else found
        file = None if self.files is None else self.files / path.strip("/")
        if file is None or not file.is_file():
            return 404, {}, b"nothing"
        return 200, {"Content-Type": "application/octet-stream"}, file.read_bytes()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    guarded: Guarded

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        status, headers, content = self.guarded.answer(path, authorization, body)
        self.guarded.seen.append((path, authorization, status))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_POST = do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass
