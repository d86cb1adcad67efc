from __future__ import annotations

from urllib.parse import urlsplit

import httpx2

from tests.daemon.routes.conftest import API
from vestal.core.credential import App
from vestal.core.secret import Secret


def add(api: API, name: str) -> None:
    settings = {
        "token_url": f"{api.server.url}/token",
        "authorize_url": f"{api.server.url}/authorize",
        "device_url": f"{api.server.url}/device_authorization",
    }
    secret = Secret("practice-secret")
    app = App(
        provider="custom", client_id="practice", client_secret=secret, grant="authorization_code", settings=settings
    )
    api.home.add(name, app)


async def begin(api: API, **fields: str) -> httpx2.Response:
    add(api, "new/comer")
    begun = await api.socket.post("/dashboard/credentials/new/comer/login", data=fields)
    assert begun.status_code == 303
    return begun


async def test_a_login_leads_to_a_page_that_leads_to_the_service_once(api: API) -> None:
    place = (await begin(api)).headers["location"]

    answer = await api.socket.get(place)
    again = await api.socket.get(place.partition("?")[0])

    wait, _, address = answer.headers["refresh"].partition("; url=")
    assert (wait, address.partition("?")[0]) == ("1", f"{api.server.url}/authorize")
    assert urlsplit(api.server.url).netloc in answer.text
    assert "refresh" not in again.headers
    assert '<noscript><meta http-equiv="refresh" content="5">' in again.text
    api.house.logins.close()


async def test_a_code_is_shown_and_nobody_is_taken_away(api: API) -> None:
    place = (await begin(api, device="1")).headers["location"]

    answer = await api.socket.get(place)

    login = api.house.logins.latest("new/comer")
    assert login is not None
    assert login.user_code is not None
    assert f">{login.user_code}</p>" in answer.text
    assert "refresh" not in answer.headers
    assert f'href="/dashboard/logins/{login.id}"' in (await api.socket.get("/dashboard/credentials/new/comer")).text
    api.house.logins.close()


async def test_the_page_of_a_login_is_for_those_who_may_log_in(api: API) -> None:
    place = (await begin(api)).headers["location"].partition("?")[0]

    for client in (api.key("refresh"), api.key("admin", pattern="other", name="another")):
        answer = await client.get(place)
        assert answer.status_code in (401, 403)
        assert "/authorize" not in answer.text
        await client.aclose()
    api.house.logins.close()


async def test_a_login_that_cant_begin_says_why(api: API) -> None:
    api.add("alice2")

    answer = await api.socket.post("/dashboard/credentials/alice2/login")

    assert answer.status_code == 422
    assert "This login could not begin" in answer.text
    assert (await api.socket.post("/dashboard/credentials/nobody/login")).status_code == 404
