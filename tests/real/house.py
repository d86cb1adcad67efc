"""What a person would do with `vestal add` and `vestal login`, at the real server."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, SupportsIndex

import httpx2

from tests.real.server import AuthorizationServer, Client
from vestal.core.clock import SystemClock
from vestal.core.credential import Credential
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.home import Home
from vestal.oauth2.login import LoginPrompt
from vestal.oauth2.login_error import LoginTimedOut
from vestal.operations import login as operations
from vestal.operations.register import Registration, register


def add(
    home: Home,
    name: str,
    oidc: AuthorizationServer,
    client: Client,
    *,
    auth: str = "none",
    grant: str | None = None,
    scopes: tuple[str, ...] = ("openid", "offline_access", "email"),
    private_key: Secret | None = None,
    refresh_token: Secret | None = None,
    client_secret: Secret | None = None,
    over: bool = False,
    **settings: str,
) -> Credential:
    """A credential for a client, of which nothing is told but its registration and the server's issuer."""
    registration = Registration(
        issuer=oidc.issuer,
        client_id=client.client_id,
        client_secret=client_secret or client.client_secret,
        private_key=private_key,
        client_auth=auth,
        grant=grant,
        scopes=scopes,
        refresh_token=refresh_token,
        # OpenID Connect Core, section 11: offline access is given only to who consents now
        settings={"authorize_param.prompt": "consent", **settings},
    )
    credential, _ = register(home, name, registration, over=over)
    return credential


def stored(home: Home, name: str) -> Credential:
    credential = home.store.load(name)
    assert credential is not None
    return credential


def another(home: Home, **parts: Any) -> closing[Home]:
    """The same folder, as another process has it: a program beside the command line, or the same one after a restart."""
    return closing(Home(home.folder, environ={}, **parts))


def refresh_token_of(home: Home, name: str) -> Secret:
    refresh_token = stored(home, name).refresh_token
    assert refresh_token is not None
    return refresh_token


def says_so(page: httpx2.Response) -> bool:
    """Whether the page at the end of a login tells the person that all is well; False if it tells of a failure."""
    assert ('role="status"' in page.text) != ('role="alert"' in page.text)
    return 'role="status"' in page.text


def whoami(oidc: AuthorizationServer, token: Token, query: str = "") -> httpx2.Response:
    """The answer of the server's userinfo endpoint, which takes access tokens of people."""
    url = f"{oidc.issuer}/me{query}"
    return oidc.http.get(url, headers=token.headers("GET", url))


def log_in(home: Home, name: str, person: Callable[[str], httpx2.Response]) -> httpx2.Response:
    """Log in through Vestal's own loopback server, in another process than the program that uses `home`.

    `person` takes an address to the page where it ends, which is returned. Raises what the login raises.
    """
    pages: list[Future[httpx2.Response]] = []
    with ThreadPoolExecutor(1) as browsing, another(home) as command:

        def open_browser(url: str) -> bool:
            pages.append(browsing.submit(person, url))
            return True

        try:
            operations.log_in(command, name, open_browser=open_browser, tell=lambda prompt: None, limit=20)
        except LoginTimedOut:
            pages[0].result()  # what kept the browser away says more
            raise
    return pages[0].result()


def log_in_by_device(home: Home, name: str, person: Callable[[LoginPrompt, int], None]) -> None:
    """Log in with a device code. `person` is called in place of each wait between polls, with the number of the wait."""
    prompts: list[LoginPrompt] = []
    waits = itertools.count()

    def decide(seconds: float | SupportsIndex) -> None:
        wait = next(waits)
        assert wait < 9, "the server was asked often enough"
        person(prompts[0], wait)

    class Polling(SystemClock):
        sleep = staticmethod(decide)

    with another(home, clock=Polling()) as command:
        operations.log_in(command, name, device=True, open_browser=lambda url: False, tell=prompts.append)
