from __future__ import annotations

import logging
import os

import pytest

from tests.daemon.routes.conftest import API, problem
from vestal.core.errors import ConfigError, HTTPError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.routes.forward_auth import METHODS, check


@pytest.mark.parametrize("method", ["GET", *METHODS])
async def test_the_header_to_inject(api: API, method: str) -> None:
    answer = await api.socket.request(method, "/auth/alice")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["authorization"] == api.home.token("alice").authorization
    assert answer.headers["x-vestal-version"] == "1"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_client_s_own_header_is_not_ours(api: API) -> None:
    """A gateway on the socket passes on what the client sent."""
    for header in ("Bearer of-the-client", "Basic Zm9vOmJhcg=="):
        assert (await api.socket.get("/auth/alice", headers={"Authorization": header})).status_code == 200


async def test_it_needs_the_right_to_tokens(api: API) -> None:
    problem(await api.tcp.get("/auth/alice"), 401, "AUTH_FAILED")
    problem(await api.key("refresh").get("/auth/alice"), 403, "PERMISSION_DENIED")


async def test_it_is_written_down(api: API, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vestal.audit")
    await api.socket.get("/auth/alice")
    assert [record.getMessage().split("=", 1)[1] for record in caplog.records if record.name == "vestal.audit"] == [
        f"alice version=1 to=local from=uid:{os.geteuid()} path=auth"
    ]


@pytest.mark.parametrize("text", ["a\r\nSet-Cookie: x", "a b", "é", "", "a\x00"])
def test_a_token_that_does_not_fit(text: str) -> None:
    with pytest.raises(HTTPError) as caught:
        check(Token(Secret(text)), "alice")
    assert "Set-Cookie" not in str(caught.value)


def test_a_token_that_needs_a_proof() -> None:
    with pytest.raises(ConfigError, match="bound to a key"):
        check(Token(Secret("a"), token_type="DPoP"), "alice")
