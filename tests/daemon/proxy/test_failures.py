"""Errors of the daemon's own, and answers that are none."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from tests.daemon.proxy.conftest import Call, World
from vestal.core.errors import NetworkError
from vestal.daemon.access import LOCAL
from vestal.daemon.auth import GRANTEE
from vestal.daemon.proxy.passage import Proxy
from vestal.daemon.proxy.upload import Upload


async def test_no_answer_in_time(world: World) -> None:
    world.patient(answer=0.05)

    async def serve(call: Call) -> None:
        await call.left()

    world.service.handler = serve
    answer = await world.client.get("/proxy/acme/x")
    assert (answer.status_code, answer.json()["category"]) == (504, "TIMEOUT")
    assert answer.json()["credential"] == "acme"
    assert "via" not in answer.headers, "it is not the service's"


async def test_no_service(world: World) -> None:
    with_nobody = "http://127.0.0.1:9"
    world.add("nobody-there", api_url=with_nobody)
    answer = await world.client.get("/proxy/nobody-there/x")
    assert (answer.status_code, answer.json()["category"]) == (502, "NETWORK_ERROR")
    assert "127.0.0.1:9 can't be reached" in answer.json()["detail"]


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 999 Denied\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n", b"gibberish\r\n\r\n", b""]
)
async def test_answers_that_are_none(world: World, said: bytes) -> None:
    async def serve(call: Call) -> None:
        await call.head()
        call.say(said)

    world.service.handler = serve
    answer = await world.client.get("/proxy/acme/x")
    assert answer.status_code in (424, 502)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_no_failure_shows_a_token(world: World) -> None:
    async def serve(call: Call) -> None:
        await call.head()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"x", "more_body": False}

    world.service.handler = serve
    scope = {
        "method": "POST",
        "path": "/proxy/acme/x",
        "raw_path": b"/proxy/acme/x",
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"content-length", b"1")],
        GRANTEE: LOCAL,
    }
    proxy = Proxy(world.house)
    with pytest.raises(NetworkError) as caught:
        await proxy.answer(scope, Upload(receive))
    await proxy.aclose()
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "in _send" in told
    assert world.tokens.given == 1
    assert "at-1" not in told
