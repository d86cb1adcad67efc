from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from tests.daemon.routes.conftest import API
from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.daemon.access import LOCAL, Grantee
from vestal.daemon.dashboard.assets import assets
from vestal.daemon.dashboard.render import HEADERS

PAGES = ["/dashboard", "/dashboard/timeline", "/dashboard/credentials/alice", "/dashboard?q=nobody"]


async def session(api: API, grantee: Grantee = LOCAL) -> httpx2.AsyncClient:
    """A browser's client on TCP that has opened a link."""
    client = api.client()
    code = api.house.sessions.invite(grantee).reveal()
    answer = await client.get(f"/dashboard/open/{code}")
    assert answer.status_code == 200
    return client


def csrf(text: str) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", PAGES)
async def test_pages_take_nothing_from_elsewhere_and_run_and_style_nothing_within(api: API, path: str) -> None:
    answer = await api.socket.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value]
    text = answer.text
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", text)
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', text):
        assert address.startswith(("/dashboard", "#")), address


async def test_the_root_leads_to_the_dashboard(api: API) -> None:
    answer = await api.socket.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")


async def test_without_a_session_there_is_only_the_door(api: API) -> None:
    for path in [*PAGES, "/dashboard/events", "/dashboard/fragments/list", "/dashboard/nothing", "/dashboard/logins/x"]:
        answer = await api.tcp.get(path)
        assert answer.status_code == 401
        assert "The dashboard is locked" in answer.text
        assert "alice" not in answer.text


async def test_a_link_that_was_used_says_so(api: API) -> None:
    answer = await api.tcp.get("/dashboard/open/used-up")

    assert answer.status_code == 410
    assert "This link has been used, or is too old" in answer.text
    assert '<a href="/dashboard">' in answer.text, "whoever is in already gets there"


async def test_static_files_are_for_everybody_and_for_good(api: API) -> None:
    for found in assets().values():
        answer = await api.tcp.get(found.address)
        assert answer.status_code == 200
        assert answer.content == found.content
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (await api.tcp.get(found.address.replace("/static/", "/static/0"))).status_code == 404
    assert {name.rpartition(".")[2] for name in assets()} == {"css", "js", "svg"}


async def test_the_list_shows_what_is_known(api: API) -> None:
    await api.house.token("alice")
    await api.house.token("alice")

    text = (await api.socket.get("/dashboard")).text

    assert "The credential is in order" in text
    assert re.search(r'<tr role="row" data-key="alice" data-stamp="Valid', text)
    assert "<progress" in text
    assert "it was due" in text
    assert "50 %" in text  # of two requests, one had to wait
    assert "100 %" in text
    assert "Log out" not in text  # on the socket there is no session


async def test_nothing_is_shown_or_counted_of_what_is_not_ones_business(api: API) -> None:
    api.add("team/bob")
    client = await session(api, Grantee("bob", ("team/*",), ("refresh",)))

    text = (await client.get("/dashboard")).text
    timeline = (await client.get("/dashboard/timeline?credential=alice")).text
    rows = (await client.get("/dashboard/fragments/list?name=alice&name=team/bob")).text

    assert "alice" not in text
    assert "The credential is in order" in text
    assert "Nothing has happened to a credential of that name" in timeline
    assert 'data-key="team/bob"' in rows
    assert "alice" not in rows
    for path in ("/dashboard/credentials/alice", "/dashboard/fragments/credentials/alice"):
        assert (await client.get(path)).status_code == 403
    buttons = (await client.get("/dashboard/credentials/team/bob")).text
    assert "Refresh now" in buttons
    assert "Log in" not in buttons
    assert (await client.post("/dashboard/credentials/team/bob/login", data={"csrf": csrf(buttons)})).status_code == 403
    await client.aclose()


async def test_pages_of_the_list_are_walked_by_name(api: API) -> None:
    for number in range(60):
        api.add(f"many/{number:02}")
    seen: list[str] = []
    path: str | None = "/dashboard?q=MANY"
    while path is not None:
        text = (await api.socket.get(path)).text
        seen += re.findall(r'<tr role="row" data-key="([^"~]*)"', text)
        found = re.search(r'href="([^"]*)" rel="next"', text)
        path = None if found is None else found[1].replace("&amp;", "&")

    assert seen == [f"many/{number:02}" for number in range(60)]
    assert "60 of 61 match" in text
    assert "To the beginning" in text


async def test_an_empty_home_says_how_to_begin(api: API) -> None:
    api.home.remove("alice")

    text = (await api.socket.get("/dashboard")).text

    assert "No credentials yet" in text
    assert "vestal add spotify" in text


async def test_a_credentials_page_shows_everything_and_no_secret(api: API) -> None:
    token = await api.house.token("alice")

    text = (await api.socket.get("/dashboard/credentials/alice")).text

    credential = api.home.lifecycle.load("alice")
    assert credential.refresh_token is not None
    assert credential.refresh_token.fingerprint() in text
    for secret in (token.access_token, credential.refresh_token, credential.app.client_secret):
        assert secret is not None
        assert secret.reveal() not in text
    for word in ("Time to expiry", "Version", "token_url", "it was due", "practice", '<svg class="chart"'):
        assert word in text


async def test_the_address_of_a_button_leads_to_its_page(api: API) -> None:
    """It stands in the browser's bar after a refresh that failed."""
    api.add("team/refresh")
    for button in ("refresh", "login"):
        answer = await api.socket.get(f"/dashboard/credentials/alice/{button}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/credentials/alice")
    assert (await api.socket.get("/dashboard/credentials/team/refresh")).status_code == 200, "it is a name, too"
    assert (await api.socket.get("/dashboard/credentials/refresh")).status_code == 404
    assert (await api.socket.get("/dashboard/credentials/alice/other")).status_code == 404


async def test_there_is_nothing_to_refresh_before_the_first_login(api: API) -> None:
    app = App(provider="custom", client_id="x", grant="authorization_code", settings={"token_url": "https://e.example"})
    api.home.add("newcomer", app)

    text = (await api.socket.get("/dashboard/credentials/newcomer")).text

    assert "Needs login" in text
    assert 'id="login"' in text
    assert "Refresh now" not in text
    assert "all is well" not in text


async def test_what_services_and_people_wrote_is_text(api: API) -> None:
    hostile = '"><script>alert(1)</script>'
    app = App(provider="custom", client_id=hostile, settings={"token_url": f"{api.server.url}/token"})
    api.home.add("hostile", app, Secret("x"))
    api.home.lifecycle.update("hostile", lambda credential: replace(credential, extra={"note": hostile}))

    for path in (
        "/dashboard/credentials/hostile",
        f"/dashboard?q={hostile}",
        f"/dashboard/timeline?credential={hostile}",
    ):
        answer = await api.socket.get(path)
        assert answer.status_code == 200
        assert "<script>" not in answer.text
        assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize("path", ["credentials/nobody", "credentials/~", "logins/none", "nothing/at/all"])
async def test_what_is_not_there_is_a_page_too(api: API, path: str) -> None:
    answer = await api.socket.get(f"/dashboard/{path}")

    assert answer.status_code == 404
    assert "<h1>" in answer.text
    assert "All credentials" in answer.text


async def test_a_record_that_cant_be_unsealed_hides_no_other_and_has_a_page(api: API) -> None:
    api.add("other")
    backend: Any = api.home.store.backend
    record = backend.get("alice")
    backend.put(replace(record, revision=record.revision + 1))

    assert 'data-key="other"' in (await api.socket.get("/dashboard")).text
    answer = await api.socket.get("/dashboard/credentials/alice")
    assert answer.status_code == 422
    assert "Restore the store from a backup" in answer.text


async def test_refresh_now(api: API) -> None:
    client = await session(api)
    form = {"csrf": csrf((await client.get("/dashboard/credentials/alice")).text)}

    answer = await client.post("/dashboard/credentials/alice/refresh", data=form)
    shown = await client.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "The token is version 1 now." in shown.text
    await client.aclose()


async def test_a_form_without_its_token_changes_nothing(api: API) -> None:
    client = await session(api)

    for what in ("refresh", "login"):
        answer = await client.post(f"/dashboard/credentials/alice/{what}", data={"csrf": "wrong"})
        assert answer.status_code == 403
        assert "This form is too old" in answer.text
    assert api.home.lifecycle.load("alice").version == 0
    await client.aclose()


async def test_a_refresh_that_fails_has_its_status_and_remedy(api: API) -> None:
    app = App(provider="custom", client_id="practice", settings={"token_url": f"{api.server.url}/token"})
    api.home.add("newcomer", app)

    answer = await api.socket.post("/dashboard/credentials/newcomer/refresh")

    assert answer.status_code == 409
    assert "This refresh did not work" in answer.text
    assert "<code>vestal login newcomer</code>" in answer.text
    assert (await api.socket.post("/dashboard/credentials/nobody/refresh")).status_code == 404


async def test_an_address_puts_no_words_on_a_page(api: API) -> None:
    text = (await api.socket.get("/dashboard/credentials/alice?done=pay-me")).text

    assert "pay-me" not in text
    assert 'class="notice' not in text


async def test_the_stream_for_browsers_is_that_of_the_api(api: API) -> None:
    client = await session(api)
    api.house.drain()  # so that the stream ends

    answer = await client.get("/dashboard/events?credential=alice")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    await client.aclose()


async def test_what_pages_load_is_what_we_wrote(api: API) -> None:
    """Whoever had this port before may have filled the browser's cache at these addresses."""
    page = (await api.socket.get("/dashboard")).text
    loaded = re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*>", page)
    assert len(loaded) == 3
    for tag in loaded:
        address, integrity = re.findall(r'"(/dashboard/static/[^"]+)" integrity="sha256-([^"]+)"', tag)[0]
        content = (await api.tcp.get(address)).content
        assert base64.b64decode(integrity) == hashlib.sha256(content).digest()
