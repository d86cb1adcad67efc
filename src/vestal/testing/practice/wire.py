"""HTTP/1.1 as bytes (RFC 9112): reading one request from a buffer, writing one answer. No I/O."""

from __future__ import annotations

from email.utils import formatdate
from http import HTTPStatus

from vestal.testing.practice.message import Answer, Request

MOST_HEADER_BYTES = 64 * 1024
MOST_BODY_BYTES = 1024 * 1024


class BadRequest(Exception):
    """What came is not a request that this server reads. `status` says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def read(buffer: bytearray) -> Request | None:
    """The first whole request in `buffer`, taken out of it; None if it is not all there yet. Raises `BadRequest`."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0 and len(buffer) > MOST_HEADER_BYTES:
        raise BadRequest(431)
    if len(buffer) > MOST_HEADER_BYTES + 2 * MOST_BODY_BYTES:
        raise BadRequest(413)
    if end < 0:
        return None
    method, target, version, headers = _head(bytes(buffer[:end]))
    start = end + 4
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunked = _chunks(buffer, start)
        if chunked is None:
            return None
        body, stop = chunked
    else:
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise BadRequest(400)
        stop = start + int(length)
        if stop - start > MOST_BODY_BYTES:
            raise BadRequest(413)
        if len(buffer) < stop:
            return None
        body = bytes(buffer[start:stop])
    del buffer[:stop]
    path, _, query = target.partition("?")
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if version == "HTTP/1.1" else "keep-alive" in connection
    return Request(method, path, query, headers, body, keep_alive)


def waits_to_send(buffer: bytearray) -> bool:
    """Whether the client holds its body back until it is told to go on (RFC 9110, 10.1.1)."""
    head, separator, _ = bytes(buffer).partition(b"\r\n\r\n")
    return bool(separator) and b"\r\nexpect: 100-continue" in head.lower()


def write(answer: Answer, *, method: str, keep_alive: bool, now: float) -> bytes:
    """The answer as bytes. `now` (epoch seconds) makes the Date header."""
    return head(answer, len(answer.body), keep_alive=keep_alive, now=now) + (b"" if method == "HEAD" else answer.body)


def head(answer: Answer, length: int, *, keep_alive: bool, now: float) -> bytes:
    """Status line and headers for a body of `length` bytes."""
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [f"Date: {formatdate(now, usegmt=True)}", f"Content-Length: {length}"]
    if not keep_alive:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _head(text: bytes) -> tuple[str, str, str, dict[str, str]]:
    first, *rest = text.decode("latin-1").lstrip("\r\n").split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] not in ("HTTP/1.0", "HTTP/1.1"):
        raise BadRequest(400)
    headers: dict[str, str] = {}
    for line in rest:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequest(400)
        name, value = name.lower(), value.strip()
        if name in headers and name == "content-length":
            raise BadRequest(400)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return parts[0], parts[1], parts[2], headers


def _chunks(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    """A chunked body that begins at `start`, and where it ends (RFC 9112, 7.1)."""
    body = bytearray()
    while True:
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            return None
        try:
            size = int(bytes(buffer[start:line_end]).partition(b";")[0], 16)
        except ValueError:
            raise BadRequest(400) from None
        if size < 0 or len(body) + size > MOST_BODY_BYTES:
            raise BadRequest(413)
        start = line_end + 2
        if size == 0:
            break
        if len(buffer) < start + size + 2:
            return None
        body += buffer[start : start + size]
        start += size + 2
    # Trailers end with an empty line; without any, that line is all there is.
    end = buffer.find(b"\r\n", start)
    while end >= 0 and end != start:
        start = end + 2
        end = buffer.find(b"\r\n", start)
    return None if end < 0 else (bytes(body), end + 2)


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
