from __future__ import annotations

import httpx2
import pytest
from joserfc.jwk import ECKey

from tests.real import by_hand
from tests.real.browser import Browser
from tests.real.house import add, another, log_in, log_in_by_device, refresh_token_of, says_so, stored, whoami
from tests.real.server import AuthorizationServer, Client
from vestal.core.credential import State, state
from vestal.core.errors import NeedsLogin, PermissionDenied
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.oauth2.login import LoginPrompt

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
METHODS = {"none": "none", "basic": "client_secret_basic", "post": "client_secret_post"}


@pytest.mark.parametrize("auth", METHODS)
def test_a_login_through_the_browser(oidc: AuthorizationServer, home: Home, browser: Browser, auth: str) -> None:
    client = oidc.register(METHODS[auth])
    add(home, "mine", oidc, client, auth=auth)
    with another(home) as early, pytest.raises(NeedsLogin) as missing:
        early.token("mine")
    assert missing.value.reason == "missing"

    page = log_in(home, "mine", browser.approve)
    assert page.status_code == 200
    assert page.url.host == "127.0.0.1"
    assert says_so(page)
    assert whoami(oidc, home.token("mine")).json() == {"sub": "ada", "email": "ada@example.com"}
    assert "offline_access" in home.token("mine").scope

    first = refresh_token_of(home, "mine")
    assert whoami(oidc, home.source("mine").refresh()).status_code == 200
    assert refresh_token_of(home, "mine") != first
    assert [seen.grant_type for seen in oidc.requests(client)] == ["authorization_code", "refresh_token"]


def test_with_a_private_key(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    key = ECKey.generate_key("P-256")
    client = oidc.register(
        "private_key_jwt", jwks={"keys": [key.as_dict(private=False)]}, token_endpoint_auth_signing_alg="ES256"
    )
    pem = Secret(key.as_pem(private=True).decode())
    add(home, "mine", oidc, client, auth="private_key_jwt", private_key=pem)
    log_in(home, "mine", browser.approve)
    assert whoami(oidc, home.source("mine").refresh()).status_code == 200


def test_at_a_path_that_is_registered(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    client = oidc.register("none", redirect_uris=["http://127.0.0.1/a/b"])
    add(home, "mine", oidc, client, redirect_path="/a/b")
    assert log_in(home, "mine", browser.approve).url.path == "/a/b"
    assert home.token("mine").version == 1


def test_a_person_who_says_no(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    client = oidc.register("none")
    add(home, "mine", oidc, client)
    pages = []

    def refuse(url: str) -> httpx2.Response:
        pages.append(browser.refuse(url))
        return pages[0]

    with pytest.raises(PermissionDenied):
        log_in(home, "mine", refuse)
    assert not says_so(pages[0])
    assert stored(home, "mine").token is None
    assert oidc.requests(client) == []


def test_a_new_login_mends_a_grant_that_was_ended(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    client = oidc.register("none")
    add(home, "mine", oidc, client)
    log_in(home, "mine", browser.approve)
    old = refresh_token_of(home, "mine")
    home.source("mine").refresh()
    by_hand.refresh(oidc, client, old.reveal())
    with another(home) as elsewhere, pytest.raises(NeedsLogin):
        elsewhere.source("mine").refresh()
    with Browser("grace") as other:
        log_in(home, "mine", other.approve)
    assert state(stored(home, "mine"), now=home.clock.now(), leased=False) is State.IDLE
    sent = len(oidc.requests(client))
    adopted = home.token("mine", newer_than=2)  # the program's own token was refused: it takes the login's
    assert len(oidc.requests(client)) == sent
    for token in (adopted, home.source("mine").refresh()):
        assert whoami(oidc, token).json()["sub"] == "grace"
    history = [entry.what for entry in stored(home, "mine").history]
    assert history == ["login", "refresh", "failure", "login", "refresh"]


def device_client(oidc: AuthorizationServer, home: Home, auth: str = "none") -> Client:
    client = oidc.register(METHODS[auth], DEVICE, "refresh_token")
    add(home, "mine", oidc, client, auth=auth, grant="device_code")
    return client


@pytest.mark.parametrize("auth", METHODS)
@pytest.mark.parametrize("typed", [True, False])
def test_a_device_code(oidc: AuthorizationServer, home: Home, browser: Browser, auth: str, typed: bool) -> None:
    client = device_client(oidc, home, auth)

    def person(prompt: LoginPrompt, wait: int) -> None:
        assert prompt.user_code is not None
        assert prompt.address_with_code is not None
        if wait == 2 and typed:
            browser.approve(prompt.address, user_code=prompt.user_code)
        elif wait == 2:
            browser.approve(prompt.address_with_code)

    log_in_by_device(home, "mine", person)
    assert [(seen.grant_type, seen.error) for seen in oidc.requests(client)] == [
        (DEVICE, "authorization_pending"),
        (DEVICE, "authorization_pending"),
        (DEVICE, None),
    ]
    assert whoami(oidc, home.token("mine")).json()["sub"] == "ada"
    assert whoami(oidc, home.source("mine").refresh()).status_code == 200


def test_a_device_that_is_refused(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    client = device_client(oidc, home)

    def person(prompt: LoginPrompt, wait: int) -> None:
        assert prompt.user_code is not None
        if wait == 1:
            browser.refuse(prompt.address, user_code=prompt.user_code)

    with pytest.raises(PermissionDenied):
        log_in_by_device(home, "mine", person)
    assert [seen.error for seen in oidc.requests(client)] == ["authorization_pending", "access_denied"]
    assert stored(home, "mine").token is None
