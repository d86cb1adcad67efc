"""One HTTP exchange with a daemon on this machine, by hand: one connection, one question, one answer (RFC 9112).

A program asks once in the life of a token, and `vestal token` does nothing else: an HTTP client would cost more than all
that it does.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import closing
from errno import ENOENT
from pathlib import Path

from vestal.client.address import Address
from vestal.client.trusted import is_ours
from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import ConfigError, HTTPError, NetworkError, Outcome, TimedOut, VestalError
from vestal.core.secret import Secret
from vestal.core.transport import Response

CONNECT = 2.0
"""Seconds in which a daemon that lives takes a connection."""

DEADLINE = 125.0
"""Seconds for the answer: a daemon's own deadline (2 min), and a little for its way."""

MOST = 1 << 20
"""Bytes of an answer."""

_STATUS = re.compile(r"HTTP/1\.[01] (\d{3})(?: |\Z)")


def exchange(
    address: Address,
    method: str,
    target: str,
    body: str = "",
    *,
    key: Secret | None = None,
    clock: Clock | None = None,
    deadline: float = DEADLINE,
) -> Response:
    """Ask, and give the answer, whatever its status. `clock` says when it was sent.

    Raises `NetworkError` (`outcome` NOT_SENT: nobody listens there), `TimedOut`, and `HTTPError` for what is no answer.
    """
    if key is not None and not all("!" <= character <= "~" for character in key.reveal()):
        raise ConfigError("the daemon's key holds a character that no key holds", remedy="see `vestal key list`")
    limit = time.monotonic() + deadline
    sent_at = (clock or SystemClock()).now()
    with closing(_connected(address)) as connection:
        trouble: OSError | None = None
        try:
            connection.sendall(_written(address, method, target, body, key))
        except OSError as error:  # it may have answered, and closed, before it had read all
            trouble = error
        answer, broken = _received(connection, limit)
    response = _read(answer, sent_at)
    if response is not None:
        return response
    raise _unanswered(address, broken or trouble, begun=bool(answer))


def _connected(address: Address) -> socket.socket:
    trouble: OSError
    connection: socket.socket | None = None
    try:
        if address.ours and not is_ours(Path(address.path)):
            raise FileNotFoundError(ENOENT, "no socket of yours is there")
        if address.path:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(CONNECT)
            connection.connect(address.path)
        else:
            connection = socket.create_connection((address.host, address.port), CONNECT)
        return connection
    except OSError as error:
        trouble = error
        if connection is not None:
            connection.close()
    raise NetworkError(
        f"no daemon answers at {address}: {trouble.strerror or 'no connection in time'}",
        remedy="`vestal start` starts it, `vestal status` tells of it",
        outcome=Outcome.NOT_SENT,
    )


def _written(address: Address, method: str, target: str, body: str, key: Secret | None) -> bytes:
    lines = [
        f"{method} {target} HTTP/1.1",
        f"Host: {str(address).removeprefix('http://') if address.host else 'localhost'}",
        "User-Agent: vestal",
        "Accept: application/json",
        "Connection: close",
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body.encode())}"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key.reveal()}")
    return "\r\n".join([*lines, "", body]).encode()


def _received(connection: socket.socket, limit: float) -> tuple[Secret, OSError | None]:
    """All that comes until the daemon closes, and what broke it off."""
    received = bytearray()
    broken: OSError | None = None
    try:
        while len(received) <= MOST:
            connection.settimeout(max(limit - time.monotonic(), 0.001))
            piece = connection.recv(1 << 16)
            if not piece:
                break
            received += piece
    except OSError as error:
        broken = error.with_traceback(None)  # whose frame has the answer
    return Secret(received.decode("latin-1")), broken


def _read(answer: Secret, sent_at: float) -> Response | None:
    """A whole answer; None for anything else."""
    head, end, _ = answer.reveal().partition("\r\n\r\n")
    status = _STATUS.match(head)
    if not end or status is None:
        return None
    fields = (line.partition(":") for line in head.split("\r\n")[1:])
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    body = Secret(answer.reveal()[len(head) + len(end) :])
    length = headers.get("content-length", "")
    if not length.isdecimal() or len(body.reveal()) != int(
        length
    ):  # we asked for nothing that is chunked, and it is small
        return None
    return Response(int(status[1]), headers, body, sent_at)


def _unanswered(address: Address, trouble: OSError | None, *, begun: bool) -> VestalError:
    if isinstance(trouble, TimeoutError):
        return TimedOut(
            f"the daemon at {address} did not answer in time", remedy="see `vestal status`", outcome=Outcome.UNKNOWN
        )
    if begun and trouble is None:
        return HTTPError(f"what answers at {address} is no Vestal daemon", remedy="check the address")
    why = (trouble.strerror if trouble is not None else None) or "it ended"
    return NetworkError(
        f"the daemon at {address} broke off: {why}", remedy="see `vestal status`", outcome=Outcome.UNKNOWN
    )
