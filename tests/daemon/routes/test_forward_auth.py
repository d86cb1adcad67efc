from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.daemon.routes.conftest import API, problem
from vestal.core.errors import ConfigError, HTTPError
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.auth import PEER
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


async def ask(api: API, target: str) -> dict[bytes, bytes]:
    """The headers of the answer to a target as it comes in, which no client's library has put in order before."""
    path, _, query = target.partition("?")
    told: dict[bytes, bytes] = {}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"host", b"anything")],
        "extensions": {PEER: {"uid": os.geteuid()}},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            told.update(message["headers"])
            told[b"status"] = str(message["status"]).encode()

    await api.app(scope, receive, send)
    return told


@given(
    st.one_of(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E)), st.text().map(lambda text: "/" + text))
)
@example("/admin")
@example("/../../alice/admin")
@example("/%2e%2e%2f%2e%2e%2falice%2fadmin")
@example("/%0a/~/%7e")
@example("~")
@example("")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_follows_the_name_s_end_is_not_looked_at(api: API, path: str) -> None:
    """A gateway that asks with its client's path behind its own (Envoy's `path_prefix`)."""
    for name in ("alice/admin", "admin"):
        if api.home.store.load(name) is None:
            api.add(name)
    told = await ask(api, f"/auth/alice/~{path}")
    assert told[b"status"] == b"200"
    assert told[b"authorization"].decode() == api.home.token("alice").authorization


async def test_names_with_parts_and_the_name_s_end(api: API) -> None:
    api.add("alice/admin")
    answers = [
        await ask(api, target) for target in ("/auth/alice/admin", "/auth/alice/admin/~/x", "/auth/alice%2Fadmin/~")
    ]
    assert {answer[b"authorization"].decode() for answer in answers} == {api.home.token("alice/admin").authorization}


@pytest.mark.parametrize("target", ["/auth/~/alice", "/auth/~", "/auth/", "/auth/alice/", "/auth/alice~", "/auth//~"])
async def test_what_names_nothing(api: API, target: str) -> None:
    told = await ask(api, target)
    assert told[b"status"] == b"404"
    assert b"authorization" not in told


async def test_strangers_are_told_little(api: API, caplog: pytest.LogCaptureFixture) -> None:
    """Gateways hand the answer on to their clients."""
    alice = api.home.store.load("alice")
    assert alice is not None
    api.home.add("acme/broken", alice.app, Secret("unknown"))
    told = problem(await api.socket.get("/auth/acme/broken"), 409, "NEEDS_LOGIN")
    for answer in (
        told,
        problem(await api.socket.get("/auth/acme/nobody"), 404, "CONFIG_ERROR"),
        problem(await api.key("refresh").get("/auth/acme/broken"), 403, "PERMISSION_DENIED"),
    ):
        assert answer["credential"] is None
        assert "acme" not in str(answer)
        assert "vestal" not in answer["remedy"]
    assert caplog.text.count("no token for a gateway: credential='acme/broken'") == 2
    problem(await api.tcp.get("/auth/acme/broken"), 401, "AUTH_FAILED")
    assert caplog.text.count("no token for a gateway") == 3


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
