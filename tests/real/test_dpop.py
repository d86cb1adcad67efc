from __future__ import annotations

import httpx2
import pytest

from tests.real import by_hand
from tests.real.browser import Browser
from tests.real.house import add, another, log_in, log_in_by_device, refresh_token_of, stored, whoami
from tests.real.server import AuthorizationServer, Client
from vestal.core.errors import PermissionDenied
from vestal.core.token import Token
from vestal.home import Home
from vestal.hooks.httpx2 import VestalAuth
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.login import LoginPrompt


def bound(oidc: AuthorizationServer, home: Home, *, nonce: bool = False) -> Client:
    """A client whose tokens must be bound, as the app of the credential `app`."""
    client = oidc.register(
        "client_secret_basic",
        "client_credentials",
        dpop_bound_access_tokens=True,
        dpop_nonce=nonce,
        default_resource=oidc.resource,
    )
    add(home, "app", oidc, client, auth="basic", grant="client_credentials", scopes=("api:read",), dpop="true")
    return client


def call(oidc: AuthorizationServer, token: Token, query: str = "", method: str = "GET") -> httpx2.Response:
    url = oidc.resource + query
    return oidc.http.request(method, url, headers=token.headers(method, url))


@pytest.mark.parametrize("nonce", [False, True])
def test_a_bound_token(oidc: AuthorizationServer, home: Home, nonce: bool) -> None:
    client = bound(oidc, home, nonce=nonce)
    token = home.token("app")
    assert token.scheme == "DPoP"
    for query in ("", "", "?page=2"):  # a proof of its own each time; the query is no part of it
        assert call(oidc, token, query).json()["bound"] is True
    assert call(oidc, token, method="POST").status_code == 200
    assert home.token("app", newer_than=1).version == 2

    errors = [seen.error for seen in oidc.requests(client)]
    assert errors == (["use_dpop_nonce", None, None] if nonce else [None, None])  # the nonce is kept for the next time


def test_it_is_good_for_its_key_alone(oidc: AuthorizationServer, home: Home) -> None:
    bound(oidc, home)
    token = home.token("app")
    bearer = {"Authorization": f"Bearer {token.access_token.reveal()}"}
    assert oidc.http.get(oidc.resource, headers=bearer).status_code == 401
    thief = {
        "Authorization": token.authorization,
        **DPoPKey.generate().headers("GET", oidc.resource, token.access_token),
    }
    assert oidc.http.get(oidc.resource, headers=thief).status_code == 401
    elsewhere = token.headers("GET", oidc.resource + "/else")
    assert oidc.http.get(oidc.resource, headers=elsewhere).status_code == 401


def test_the_key_is_kept_with_the_credential(oidc: AuthorizationServer, home: Home) -> None:
    bound(oidc, home)
    home.token("app")
    key = stored(home, "app").secrets[DPOP_KEY]
    home.close()
    with another(home) as again:
        assert call(oidc, again.source("app").refresh()).status_code == 200
        assert stored(again, "app").secrets[DPOP_KEY] == key


def test_the_resource_wants_nonces_of_its_own(oidc: AuthorizationServer, home: Home) -> None:
    """Each answer brings the nonce for the next request; the first one has to be asked for."""
    bound(oidc, home, nonce=True)
    source = home.source("app")
    url = oidc.resource + "?nonce=required"
    with httpx2.Client(auth=VestalAuth(source), trust_env=False) as http:
        answers = [http.get(url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert source.token().version == 1


async def test_the_same_from_asyncio(oidc: AuthorizationServer, home: Home) -> None:
    bound(oidc, home)
    async with httpx2.AsyncClient(auth=VestalAuth(home.source("app")), trust_env=False) as http:
        answers = [await http.post(oidc.resource + "?nonce=required", content=b"body") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("nonce", [False, True])
def test_a_login_that_is_bound(oidc: AuthorizationServer, home: Home, browser: Browser, nonce: bool) -> None:
    """A public client: its refresh token is bound to the key as well (RFC 9449, section 5)."""
    client = oidc.register("none", dpop_bound_access_tokens=True, dpop_nonce=nonce)
    add(home, "mine", oidc, client, dpop="true")
    log_in(home, "mine", browser.approve)
    token = home.token("mine")
    assert whoami(oidc, token).json()["sub"] == "ada"
    for _ in range(2):
        token = home.source("mine").refresh()
        assert whoami(oidc, token).json()["sub"] == "ada"
    assert whoami(oidc, token, "?nonce=required").status_code == 200  # by the nonce of its token endpoint

    refused = by_hand.refresh(oidc, client, refresh_token_of(home, "mine").reveal())  # a thief has no key
    assert refused.json()["error"] == "invalid_grant"
    assert home.source("mine").refresh().version == 4


def test_a_device_that_is_bound(oidc: AuthorizationServer, home: Home, browser: Browser) -> None:
    grant = "urn:ietf:params:oauth:grant-type:device_code"
    client = oidc.register("none", grant, "refresh_token", dpop_bound_access_tokens=True, dpop_nonce=True)
    add(home, "mine", oidc, client, grant="device_code", dpop="true")

    def person(prompt: LoginPrompt, wait: int) -> None:
        if wait == 1:
            browser.approve(prompt.address_with_code or "")

    log_in_by_device(home, "mine", person)
    errors = [seen.error for seen in oidc.requests(client)]
    assert errors == ["use_dpop_nonce", "authorization_pending", None]
    assert whoami(oidc, home.source("mine").refresh()).json()["sub"] == "ada"


def test_without_a_proof_the_server_says_so(oidc: AuthorizationServer, home: Home) -> None:
    client = oidc.register("client_secret_basic", "client_credentials", dpop_bound_access_tokens=True)
    add(home, "app", oidc, client, auth="basic", grant="client_credentials", scopes=())
    with pytest.raises(PermissionDenied, match="invalid_grant"):  # what this server says; no login would help
        home.token("app")
