"""Getting into the dashboard, with what a browser would send."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.daemon.routes.conftest import API, URL, problem
from vestal.daemon.sessions import INVITATION

COOKIE = "vestal-8378"


@pytest.fixture
def reachable(api: API) -> API:
    api.house.url = URL
    return api


async def link(api: API) -> str:
    answer = await api.socket.post("/v1/sessions")
    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {"url", "expires_in"}
    assert told["expires_in"] == INVITATION
    assert told["url"].startswith(f"{URL}/dashboard/open/")
    return str(urlsplit(told["url"]).path)


async def browser(api: API) -> httpx2.AsyncClient:
    client = api.client()
    answer = await client.get(await link(api))
    assert answer.status_code == 200
    return client


async def csrf(api: API) -> str:
    sessions = list(api.house.sessions._sessions.values())
    return sessions[-1].csrf.reveal()


async def test_a_link_opens_the_dashboard_once(reachable: API, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vestal.audit")
    path = await link(reachable)
    client = reachable.client()
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0; url=/dashboard"
    assert answer.headers["clear-site-data"] == '"cache", "storage"', (
        "whoever had the port before leaves nothing behind"
    )
    attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert attributes[0].startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/dashboard"} <= set(attributes)
    assert (await client.get("/dashboard")).status_code == 200
    again = await reachable.client().get(path)
    assert again.status_code == 410
    assert "set-cookie" not in again.headers
    assert path.rpartition("/")[2] not in caplog.text
    assert "session opened for=local" in caplog.text
    await client.aclose()


async def test_nobody_gets_in_without(reachable: API) -> None:
    for path in ("/dashboard", "/dashboard/credentials/alice", "/dashboard/events", "/dashboard/timeline"):
        answer = await reachable.tcp.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"].startswith("text/html")
        assert "vestal open" in answer.text
        assert "alice" not in answer.text
    for cookie in (f"{COOKIE}=wrong", f"{COOKIE}=", "vestal=x"):
        answer = await reachable.tcp.get("/dashboard", headers={"Cookie": cookie})
        assert answer.status_code == 401
    posted = await reachable.tcp.post("/dashboard/credentials/alice/refresh")
    assert posted.status_code == 401


async def test_the_cookie_is_good_for_pages_only(reachable: API) -> None:
    client = await browser(reachable)
    cookie = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
    for method, path in [
        ("POST", "/v1/credentials/alice/token"),
        ("GET", "/v1/credentials"),
        ("GET", "/token/alice"),
        ("GET", "/auth/alice"),
        ("POST", "/v1/sessions"),
        ("GET", "/proxy/alice/x"),
    ]:
        answer = await reachable.client().request(method, path, headers=cookie)
        problem(answer, 401, "AUTH_FAILED")
    await client.aclose()


async def test_logging_out(reachable: API) -> None:
    client = await browser(reachable)
    answer = await client.post("/dashboard/log-out", data={"csrf": await csrf(reachable)})
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await client.get("/dashboard")).status_code == 401
    await client.aclose()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "null"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(reachable: API, headers: dict[str, str]) -> None:
    client = await browser(reachable)
    answer = await client.post("/dashboard/log-out", data={"csrf": await csrf(reachable)}, headers=headers)
    problem(answer, 403, "PERMISSION_DENIED")
    assert (await client.get("/dashboard")).status_code == 200
    await client.aclose()


@pytest.mark.parametrize("data", [{}, {"csrf": "wrong"}, {"csrf": ""}])
async def test_a_form_needs_the_sessions_token(reachable: API, data: dict[str, str]) -> None:
    client = await browser(reachable)
    answer = await client.post("/dashboard/log-out", data=data)
    assert answer.status_code == 403
    assert (await client.get("/dashboard")).status_code == 200
    await client.aclose()


async def test_a_form_that_is_none(reachable: API) -> None:
    client = await browser(reachable)
    answer = await client.post("/dashboard/log-out", content=b'{"csrf": 1}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
    await client.aclose()


async def test_a_link_to_another_site_may_lead_here(reachable: API) -> None:
    """The cookie does not come along, so that the page is the one for those who are not in; no error."""
    answer = await reachable.tcp.get("/dashboard", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 401
    assert "vestal open" in answer.text


async def test_who_may_invite(reachable: API) -> None:
    assert (await reachable.key("admin", name="all").post("/v1/sessions")).status_code == 201
    problem(await reachable.key("token", "refresh", name="tokens").post("/v1/sessions"), 403, "PERMISSION_DENIED")
    problem(await reachable.key("admin", pattern="a*", name="some").post("/v1/sessions"), 403, "PERMISSION_DENIED")
    problem(await reachable.tcp.post("/v1/sessions"), 401, "AUTH_FAILED")


async def test_no_link_where_no_browser_gets(api: API) -> None:
    told = problem(await api.socket.post("/v1/sessions"), 409, "CONFIG_ERROR")
    assert "--tcp" in told["remedy"]


async def test_guessing_links(reachable: API) -> None:
    for _ in range(10):
        assert (await reachable.tcp.get("/dashboard/open/guess")).status_code == 410
    assert (await reachable.tcp.get("/dashboard/open/guess")).status_code == 429


async def test_a_rebound_name_gets_no_token_of_a_gateway(reachable: API) -> None:
    """It could read the answer. With a key it may be any name: a page has none."""
    for path in ("/auth/alice", "/auth/alice/~/x"):
        answer = await reachable.socket.get(path, headers={"Host": "evil.test:9000"})
        problem(answer, 421, "CONFIG_ERROR")
        assert "authorization" not in answer.headers
    key = reachable.house.access.add("gateway", ["alice"], ["token"]).reveal()
    headers = {"Host": "gateway.test", "Authorization": f"Bearer {key}"}
    assert (await reachable.socket.get("/auth/alice/~/x", headers=headers)).status_code == 200


async def test_a_session_ends_with_the_key_that_opened_it(reachable: API) -> None:
    owner = reachable.key("admin", "refresh", name="leaver")
    address = (await owner.post("/v1/sessions")).json()["url"]
    client, local = reachable.client(), await browser(reachable)
    assert (await client.get(address)).status_code == 200
    assert (await client.get("/dashboard")).status_code == 200
    reachable.house.access.revoke("leaver")
    assert (await client.get("/dashboard")).status_code == 401
    reachable.key("admin", "refresh", name="leaver")
    assert (await client.get("/dashboard")).status_code == 401, "another key of that name is another key"
    assert (await local.get("/dashboard")).status_code == 200
    await client.aclose()
    await local.aclose()


async def test_a_browser_that_was_led_to_the_socket(reachable: API) -> None:
    """By `ssh -L`: then pages of other sites can make it send requests there, and rebind names to it."""
    foreign = [
        ({"Origin": "http://evil.test"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.test:9000"}, 421),
    ]
    for headers, status in foreign:
        for method, path in [
            ("POST", "/v1/credentials/alice/refresh"),
            ("GET", "/token/alice"),
            ("POST", "/v1/sessions"),
        ]:
            answer = await reachable.socket.request(method, path, headers=headers)
            assert answer.status_code == status, (headers, path)
        asked = await reachable.socket.get("/auth/alice", headers=headers)
        assert asked.status_code == (421 if "Host" in headers else 200), "a gateway asks for others"
    assert (await reachable.socket.get("/dashboard", headers={"Host": "evil.test"})).status_code == 421
    assert (await reachable.socket.get("/dashboard", headers={"Host": "localhost:9000"})).status_code == 200
    assert (await reachable.socket.get("/", headers={"Host": "127.0.0.1:9000"})).status_code in (200, 303, 307, 404)
