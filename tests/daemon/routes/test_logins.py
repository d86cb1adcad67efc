from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.daemon.login.served import add, decide, wait_for
from tests.daemon.routes.conftest import API, problem

PATH = "/v1/credentials/mine/login"


@pytest.fixture
def logins(api: API) -> API:
    add(api.home, api.server, "mine")
    return api


async def close(api: API) -> None:
    """No thread is left."""
    await asyncio.to_thread(api.house.logins.close)


async def whole(api: API, path: str, method: str, status: str) -> dict[str, Any]:
    """The schema of an answer, without references to what stands elsewhere."""
    schema = (await api.tcp.get("/openapi.json")).json()
    content = schema["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]
    return {**content, "components": schema["components"]}


async def test_start_and_look(logins: API) -> None:
    answer = await logins.socket.post(PATH, json={"device": False})
    assert answer.status_code == 202
    told = answer.json()
    jsonschema.validate(told, await whole(logins, "/v1/credentials/{name}/login", "post", "202"))
    assert answer.headers["Location"] == f"/v1/logins/{told['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert (told["name"], told["state"], told["user_code"]) == ("mine", "waiting", None)
    left = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert 200 < left.total_seconds() <= 300
    shape = await whole(logins, "/v1/logins/{id}", "get", "200")
    seen = (await logins.socket.get(answer.headers["Location"])).json()
    assert seen == {"id": told["id"], "name": "mine", "state": "waiting", "error": None, "version": None}
    jsonschema.validate(seen, shape)
    back = urlsplit(await asyncio.to_thread(decide, told["address"], allow=False))
    await asyncio.to_thread(httpx2.get, back.geturl(), trust_env=False)  # a port of its own: this daemon has none
    await asyncio.to_thread(wait_for, lambda: logins.house.logins.latest("mine").state == "failed")  # type: ignore[union-attr]
    seen = (await logins.socket.get(answer.headers["Location"])).json()
    jsonschema.validate(seen, shape)
    assert seen["error"]["category"] == "PERMISSION_DENIED"
    await close(logins)


async def test_who_may(logins: API) -> None:
    started = (await logins.key("admin", pattern="mine", name="right").post(PATH)).json()
    path = f"/v1/logins/{started['id']}"
    nobody = await logins.tcp.post(PATH)
    problem(nobody, 401, "AUTH_FAILED")
    assert "WWW-Authenticate" in nobody.headers
    for client in (
        logins.key("token", "refresh", name="reader"),
        logins.key("admin", pattern="other/*", name="other"),
    ):
        problem(await client.post(PATH), 403, "PERMISSION_DENIED")
        problem(await client.get(path), 403, "PERMISSION_DENIED")
    problem(await logins.tcp.get(path), 401, "AUTH_FAILED")
    problem(await logins.tcp.get("/v1/logins/x"), 401, "AUTH_FAILED")
    for unknown in ("x", "x" * 500, "%00", "%F0%9F%94%91"):
        problem(await logins.socket.get(f"/v1/logins/{unknown}"), 404, "CONFIG_ERROR")
    assert (await logins.socket.get(path)).json()["state"] == "waiting"
    await close(logins)


async def test_what_can_not_be_begun(logins: API) -> None:
    problem(await logins.socket.post("/v1/credentials/theirs/login"), 404, "CONFIG_ERROR")
    problem(await logins.socket.post("/v1/credentials/..%2Fx%00/login"), 404, "CONFIG_ERROR")
    add(logins.home, logins.server, "robot", grant="client_credentials")
    told = problem(await logins.socket.post("/v1/credentials/robot/login"), 422, "CONFIG_ERROR")
    assert told["credential"] == "robot"
    logins.server.faults.add("device_authorization", "status", status=503)
    problem(await logins.socket.post(PATH, json={"device": True}), 502, "HTTP_ERROR")
    assert (await logins.socket.get(PATH)).status_code in (404, 405)
    await close(logins)


BODIES = [
    (b"{", 400),
    (b"[]", 400),
    (b"null", 400),
    (b"\xff", 400),
    (b"[" * 5000, 400),
    (b'{"device": 1}', 422),
    (b'{"device": "yes"}', 422),
    (b'{"device": null}', 422),
    (b'{"limit": 3}', 422),
    (b" " * 70_000, 413),
]


@pytest.mark.parametrize(("body", "status"), BODIES)
async def test_a_body_that_is_none(logins: API, body: bytes, status: int) -> None:
    answer = await logins.socket.post(PATH, content=body)
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert logins.house.logins.latest("mine") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=6,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_any_body(api: API, body: bytes) -> None:
    """For a credential that is not there: what the body says is looked at first."""
    answer = await api.socket.post("/v1/credentials/theirs/login", content=body)
    assert answer.status_code in (400, 404, 422)


async def test_the_way_back_needs_no_key_and_shows_nothing(logins: API) -> None:
    for path in ("/callback", "/login/callback"):
        answer = await logins.tcp.get(path, params={"code": "canary", "state": "canary"})
        assert answer.status_code == 400
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "canary" not in answer.text
        assert (await logins.tcp.post(path)).status_code == 405
        assert (await logins.tcp.head(path)).status_code == 405
        assert (await logins.tcp.get(path, headers={"Host": "gateway.example"})).status_code == 400, "not 421"
        cross = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert (await logins.tcp.get(path, headers=cross)).status_code == 400
        assert (await logins.socket.get(path, headers=cross)).status_code == 400


async def test_the_query_is_nowhere_afterwards(api: API) -> None:
    """So that no report of an error shows it that comes with what was at hand."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/callback",
        "query_string": b"code=canary&state=canary",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 4711),
    }
    await api.app(scope, receive, send)
    assert messages[0]["status"] == 400
    assert "canary" not in repr(scope) + repr(messages)
