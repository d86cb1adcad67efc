from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.client.stand_in import Reply, StandIn, token
from vestal.client.address import read_address
from vestal.client.exchange import exchange
from vestal.core.errors import ConfigError, HTTPError, NetworkError, Outcome, TimedOut
from vestal.core.secret import Secret


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_question_and_its_answer(tmp_path: Path, over_tcp: bool) -> None:
    with StandIn(lambda asked: token(3), None if over_tcp else tmp_path / "s") as daemon:
        address = read_address(daemon.address)
        answer = exchange(address, "POST", "/x/token", '{"min_ttl": 5}', key=Secret("k"))
        exchange(address, "POST", "/y")
    assert answer.status == 200
    assert '"token-3"' in answer.body.reveal()
    first, second = daemon.asked
    assert (first.line, first.body) == ("POST /x/token HTTP/1.1", {"min_ttl": 5})
    assert first.headers["authorization"] == "Bearer k"
    assert first.headers["host"] == (daemon.address.removeprefix("http://") if over_tcp else "localhost")
    assert (second.body, second.headers.get("authorization")) == (None, None)


def test_an_error_is_an_answer(tmp_path: Path) -> None:
    with StandIn(lambda asked: Reply({"a": 1}, 503), tmp_path / "s") as daemon:
        assert exchange(read_address(daemon.address), "POST", "/").status == 503


def test_nobody_there(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with pytest.raises(NetworkError, match="no daemon answers") as caught:
        exchange(read_address(str(path)), "POST", "/")
    assert caught.value.outcome is Outcome.NOT_SENT
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))  # a socket that a killed daemon has left
    with pytest.raises(NetworkError, match="no daemon answers"):
        exchange(read_address(str(path)), "POST", "/")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", NetworkError),
        (b"SSH-2.0-OpenSSH_9\r\n", HTTPError),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", HTTPError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{}", HTTPError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", HTTPError),
        (b"x" * (3 << 20), HTTPError),
    ],
)
def test_no_answer(tmp_path: Path, raw: bytes, kind: type[Exception]) -> None:
    with StandIn(lambda asked: Reply(raw=raw), tmp_path / "s") as daemon, pytest.raises(kind):
        exchange(read_address(daemon.address), "POST", "/")


def test_a_daemon_that_hangs(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        bound.listen(1)
        with pytest.raises(TimedOut):
            exchange(read_address(str(tmp_path / "s")), "POST", "/", deadline=0.05)


def test_a_key_can_t_be_a_header_more(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        exchange(read_address(str(tmp_path / "s")), "POST", "/", key=Secret("k\r\nX: y"))
