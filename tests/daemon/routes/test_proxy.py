"""What the proxy refuses before it asks anybody. That it works is told in tests/daemon/proxy."""

from __future__ import annotations

import httpx2
import pytest

from tests.daemon.routes.conftest import API, URL, problem


async def test_a_service_that_names_no_api(api: API) -> None:
    told = problem(await api.socket.get("/proxy/alice/v1/me"), 422, "CONFIG_ERROR")
    assert told["credential"] == "alice"
    assert told["remedy"] == ("add it again with --set api_url=https://HOST: `vestal add alice --replace ...`")


@pytest.mark.parametrize("path", ["/proxy/nobody/x", "/proxy/nobody/~/x", "/proxy/", "/proxy/~/x", "/proxy/-/x"])
async def test_no_such_credential(api: API, path: str) -> None:
    problem(await api.socket.get(path), 404, "CONFIG_ERROR")


async def test_a_path_that_can_not_be_sent(api: API) -> None:
    url = httpx2.URL(URL).copy_with(raw_path=b"/proxy/alice/~/\\..")
    problem(await api.socket.get(url), 400, "CONFIG_ERROR")


@pytest.mark.parametrize("path", ["/proxy/alice/x", "/proxy/nobody/x", "/proxy/", "/proxy/alice/~evil.example/x"])
async def test_a_key_is_needed(api: API, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = await api.tcp.request(method, path)
        problem(answer, 401, "AUTH_FAILED")
        assert answer.headers["www-authenticate"] == 'Bearer realm="vestal"'


async def test_a_key_that_may_not_have_tokens(api: API) -> None:
    async with api.key("refresh", "admin") as client:
        problem(await client.get("/proxy/alice/x"), 403, "PERMISSION_DENIED")
    assert api.house.counters.of("alice").gets == 0


async def test_methods_that_are_not_proxied(api: API) -> None:
    for path in ("/proxy/alice/x", "/proxy/alice"):
        problem(await api.socket.request("TRACE", path), 405, "CONFIG_ERROR")


async def test_the_description(api: API) -> None:
    told = (await api.socket.get("/openapi.json")).json()["paths"]
    assert {path for path in told if path.startswith("/proxy")} == {"/proxy/{name}/{path}"}
    (operation,) = told["/proxy/{name}/{path}"].values()
    assert [parameter["name"] for parameter in operation["parameters"]] == ["name", "path"]
    assert "via" in {name.lower() for name in operation["responses"]["default"]["headers"]}
