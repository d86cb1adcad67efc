"""HTTP on the wire, with bare sockets."""

from __future__ import annotations

import contextlib
import re
import socket
from http.client import HTTPResponse
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.testing.practice import PracticeServer
from vestal.testing.practice.message import Answer
from vestal.testing.practice.wire import BadRequest, read, write

if TYPE_CHECKING:
    from tests.testing.practice.conftest import Caller

FORM = b"grant_type=client_credentials&client_id=practice&client_secret=practice-secret"
HEAD = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(FORM) + FORM


def answer(raw: socket.socket) -> HTTPResponse:
    response = HTTPResponse(raw)
    response.begin()
    response.read()
    return response


def closed(raw: socket.socket) -> bool:
    return raw.recv(1) == b""


def test_a_connection_is_kept(caller: Caller) -> None:
    with caller.connect() as raw:
        for _ in range(3):
            raw.sendall(WHOLE)
            response = answer(raw)
            assert response.status == 200
            assert response.headers["Date"].endswith("GMT")


def test_a_request_may_come_byte_by_byte(caller: Caller) -> None:
    with caller.connect() as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(WHOLE)):
            raw.sendall(WHOLE[index : index + 1])
        assert answer(raw).status == 200


def test_requests_may_be_sent_ahead(caller: Caller, server: PracticeServer) -> None:
    server.faults.add("token", "drip", times=2, pieces=3, seconds=0)
    with caller.connect() as raw:
        raw.sendall(WHOLE * 3 + b"GET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = b""
        while data := raw.recv(65536):
            received += data
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"200", b"200", b"404"]


@pytest.mark.parametrize(
    ("version", "header", "kept"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.0", "", False),
        ("1.0", "Connection: Keep-Alive\r\n", True),
    ],
)
def test_who_closes(caller: Caller, version: str, header: str, kept: bool) -> None:
    with caller.connect() as raw:
        raw.sendall(f"GET /nowhere HTTP/{version}\r\n{header}\r\n".encode())
        assert answer(raw).status == 404
        if kept:
            raw.sendall(WHOLE)
            assert answer(raw).status == 200
        else:
            assert closed(raw)


def test_chunks(caller: Caller) -> None:
    chunks = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(part), part) for part in (FORM[:7], FORM[7:]))
    with caller.connect() as raw:
        for trailer in (b"\r\n", b"X-Trailer: 1\r\n\r\n"):
            raw.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer)
            assert answer(raw).status == 200


def test_a_client_that_waits_to_send_is_told_to_go_on(caller: Caller) -> None:
    with caller.connect() as raw:
        raw.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(FORM))
        assert raw.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(FORM)
        assert answer(raw).status == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nName : x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", 413),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
)
def test_what_is_no_request(caller: Caller, sent: bytes, status: int) -> None:
    with caller.connect() as raw:
        raw.sendall(sent)
        assert answer(raw).status == status
        assert closed(raw)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_a_request_or_not(data: bytes, cut: int) -> None:
    for start in (b"", b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"):
        with contextlib.suppress(BadRequest):
            read(bytearray((start + data)[: len(start) + cut]))


@given(st.lists(st.binary(max_size=40), max_size=5), st.binary(max_size=20))
def test_requests_are_taken_off_one_by_one(bodies: list[bytes], rest: bytes) -> None:
    buffer = bytearray()
    for body in bodies:
        buffer += b"PUT /a?b HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    buffer += rest.replace(b"\n", b"")
    for body in bodies:
        request = read(buffer)
        assert request is not None
        assert (request.method, request.path, request.body) == ("PUT", "/a", body)
    assert buffer == rest.replace(b"\n", b"")


def test_an_answer_on_the_wire() -> None:
    text = write(Answer(299, {"X": "y"}, b"body"), method="GET", keep_alive=False, now=0)
    assert text == (
        b"HTTP/1.1 299 Unknown\r\nX: y\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        b"Content-Length: 4\r\nConnection: close\r\n\r\nbody"
    )
