"""Who is let in. The routes' own tests look at what they do then."""

from __future__ import annotations

import logging
import os
from typing import Any

import httpx2
import pytest

from tests.daemon.routes.conftest import API, URL, api, practice, problem
from vestal.core.secret import Secret
from vestal.daemon.auth import PEER

__all__ = ["api", "practice"]

PATH = "/v1/credentials/alice/token"
ROUTES = [
    ("GET", "/v1/credentials"),
    ("GET", "/v1/credentials/alice"),
    ("POST", PATH),
    ("POST", "/v1/credentials/alice/refresh"),
    ("GET", "/v1/events"),
    ("GET", "/auth/alice"),
    ("GET", "/token/alice"),
    ("POST", "/v1/credentials/alice/changed"),
    ("POST", "/v1/credentials/alice/login"),
    ("GET", "/v1/logins/{id}"),
    ("GET", "/proxy/alice/{path}"),
    ("POST", "/v1/sessions"),
    ("GET", "/metrics"),
    ("GET", "/api/token-cache/status"),
    ("GET", "/api/token-cache/performance"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nothing_without_a_key(api: API, method: str, path: str) -> None:
    answer = await api.tcp.request(method, path)
    problem(answer, 401, "AUTH_FAILED")
    assert answer.headers["www-authenticate"] == 'Bearer realm="vestal"'
    wrong = await api.client(Secret("vestal_wrong")).request(method, path)
    problem(wrong, 401, "AUTH_FAILED")
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]


async def test_all_routes_are_looked_at(api: API) -> None:
    """A route that is added is added to the list above as well, or needs no key on purpose."""
    paths = (await api.tcp.get("/openapi.json")).json()["paths"]
    listed = {path.replace("alice", "{name}") for _, path in ROUTES}
    assert set(paths) == listed | {"/healthz", "/readyz"}


@pytest.mark.parametrize(
    ("actions", "method", "path", "status"),
    [
        (["token"], "POST", PATH, 200),
        (["token"], "POST", "/v1/credentials/alice/refresh", 403),
        (["refresh", "admin"], "POST", PATH, 403),
        (["refresh"], "POST", "/v1/credentials/alice/refresh", 200),
        ([], "GET", "/v1/credentials/alice", 200),
        ([], "POST", PATH, 403),
    ],
)
async def test_actions(api: API, actions: list[str], method: str, path: str, status: int) -> None:
    answer = await api.key(*actions).request(method, path)
    assert answer.status_code == status
    if status == 403:
        assert 'error="insufficient_scope"' in problem_headers(answer)


def problem_headers(answer: httpx2.Response) -> str:
    problem(answer, 403, "PERMISSION_DENIED")
    return str(answer.headers["www-authenticate"])


async def test_patterns(api: API) -> None:
    key = api.key("token", pattern="acme/*")
    problem(await key.post(PATH), 403, "PERMISSION_DENIED")
    problem(await key.post("/v1/credentials/nobody/token"), 403, "PERMISSION_DENIED")
    problem(await key.post("/v1/credentials/acme/nobody/token"), 404, "CONFIG_ERROR")


async def test_a_key_on_the_socket_counts(api: API) -> None:
    key = api.house.access.add("narrow", ["acme/*"], ["token"])
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    problem(await api.socket.post(PATH, headers=headers), 403, "PERMISSION_DENIED")
    wrong = {"Authorization": "Bearer vestal_00000000_x"}
    problem(await api.socket.post(PATH, headers=wrong), 401, "AUTH_FAILED")


async def test_blanks_before_a_key_make_nobody_more(api: API) -> None:
    """RFC 9110, 11.4: one or more of them. On the socket it would be taken for no key, and so for the user."""
    key = api.house.access.add("narrow", ["acme/*"], ["token"])
    headers = {"Authorization": f"BEARER   {key.reveal()}"}
    problem(await api.socket.post(PATH, headers=headers), 403, "PERMISSION_DENIED")


@pytest.mark.parametrize("extensions", [{PEER: {"uid": os.geteuid() + 1}}, {PEER: {}}, {PEER: {"uid": None}}, {}])
async def test_another_user_on_the_socket(api: API, extensions: dict[str, Any]) -> None:
    async def as_other(scope: Any, receive: Any, send: Any) -> None:
        await api.app({**scope, "extensions": extensions}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(as_other), base_url=URL) as client:
        problem(await client.post(PATH), 401, "AUTH_FAILED")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8378",
        "127.0.0.1.evil.example",
        "localhost.",
        "127.0.0.2",
        "",
        "[::1",
        "localhost@x",
    ],
)
async def test_other_hosts_are_not_us(api: API, host: str) -> None:
    key = api.key("token")
    for path in (PATH, "/healthz"):
        told = await key.request("POST" if path == PATH else "GET", path, headers={"Host": host})
        problem(told, 421, "CONFIG_ERROR")


async def test_a_gateway_may_ask_with_its_clients_host(api: API) -> None:
    """Envoy can't do otherwise. What counts is its key."""
    headers = {"Host": "gateway.example"}
    answer = await api.key("token").get("/auth/alice", headers=headers)
    assert answer.status_code == 200
    problem(await api.tcp.get("/auth/alice", headers=headers), 401, "AUTH_FAILED")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8378", "127.0.0.1:1", "[::1]", "[::1]:8378"])
async def test_our_hosts(api: API, host: str) -> None:
    assert (await api.tcp.get("/healthz", headers={"Host": host})).status_code == 200


async def test_wrong_keys_are_limited_by_address(api: API) -> None:
    guess = api.client(Secret("vestal_00000000_guess"), host="127.0.0.9")
    statuses = [(await guess.post(PATH)).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    answer = await guess.get("/healthz")
    assert 0 < problem(answer, 429, "RATE_LIMIT_EXCEEDED")["retry_after"] <= 60
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert (await api.client(Secret("vestal_x"), host="127.0.0.8").post(PATH)).status_code == 401
    right = api.house.access.add("right", ["*"], ["token"])
    assert (await api.client(right, host="127.0.0.9").post(PATH)).status_code == 200


async def test_wrong_keys_are_not_logged(api: API, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await api.client(Secret("vestal_00000000_canary")).post(PATH)
    assert "wrong key from=127.0.0.1" in caplog.text
    assert "canary" not in caplog.text + answer.text


@pytest.mark.parametrize("path", ["/healthz", "/nothing", PATH, "/v1/credentials/nobody"])
async def test_every_answer_is_guarded(api: API, path: str) -> None:
    answer = await api.socket.request(
        "POST" if path == PATH else "GET", path, headers={"Origin": "https://evil.example"}
    )
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_no_such_route(api: API) -> None:
    problem(await api.socket.get("/nothing"), 404, "CONFIG_ERROR")
    answer = await api.socket.delete("/v1/credentials/alice")
    problem(answer, 405, "CONFIG_ERROR")
    assert answer.headers["allow"]


async def test_a_defect_tells_nothing(api: API, caplog: pytest.LogCaptureFixture) -> None:
    from fastapi import APIRouter

    from vestal.daemon.app import make_app

    router = APIRouter()

    @router.get("/broken")
    async def broken() -> None:
        raise ValueError("canary")

    app = make_app(api.house, [router])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=URL) as client:
        answer = await client.get("/broken")
    problem(answer, 500, "UNEXPECTED_ERROR")
    assert "canary" not in answer.text + caplog.text
    assert "ValueError" in caplog.text
