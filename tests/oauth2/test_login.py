from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.oauth2.conftest import FixedClock, dump
from vestal.core.credential import App
from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    NeedsLogin,
    NetworkError,
    PermissionDenied,
    StoreUnavailable,
    VestalError,
)
from vestal.core.grant import Grant
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Send
from vestal.http import HTTPSender
from vestal.oauth2.discovery import discover
from vestal.oauth2.dpop import DPOP_KEY, DPoPKey
from vestal.oauth2.login import LoginPrompt, login, loopback
from vestal.oauth2.login_error import LoginTimedOut
from vestal.oauth2.loopback import Loopback
from vestal.oauth2.provider import OAuth2Provider
from vestal.oauth2.reception import Judge, Reception
from vestal.testing.practice import PracticeServer, Settings, log_in

PUBLIC = App(provider="practice", client_id="practice-public", grant="authorization_code", scopes=("read",))
CONFIDENTIAL = replace(PUBLIC, client_id="practice", client_secret=Secret("practice-secret"))


@pytest.fixture(scope="module")
def server() -> Iterator[PracticeServer]:
    with PracticeServer(Settings(device_interval=0.01)) as server:
        yield server


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(time.time())  # the server's own, for DPoP


@pytest.fixture
def send() -> Iterator[Send]:
    sender = HTTPSender()
    yield sender
    sender.close()


@pytest.fixture
def provider(server: PracticeServer, send: Send) -> OAuth2Provider:
    return replace(discover(server.url, send), title="Practice", pkce="required")


class Person:
    """At the terminal and at the browser: reads what is told, follows the link, decides, looks at the page."""

    def __init__(self, *, allow: bool = True, has_browser: bool = True, by_hand: bool = False) -> None:
        self.allow, self.has_browser, self.by_hand = allow, has_browser, by_hand
        self.told: list[LoginPrompt] = []
        self.opened: list[str] = []
        self.saved: list[Grant] = []
        self.page: Future[httpx2.Response] = Future()
        self._threads: list[threading.Thread] = []

    def tell(self, prompt: LoginPrompt) -> None:
        self.told.append(prompt)
        if self.by_hand:
            self._go(prompt.address)

    def open_browser(self, address: str) -> bool:
        assert self.told, "the address is told first"
        self.opened.append(address)
        if self.has_browser:
            self._go(address)
        return self.has_browser

    def save(self, grant: Grant) -> None:
        assert not self.page.done(), "the page is held until the grant is saved"
        self.saved.append(grant)

    def decide(self, address: str) -> httpx2.Response:
        return httpx2.get(log_in(address, allow=self.allow, follow=False), trust_env=False, timeout=20)

    def _go(self, address: str) -> None:
        page = self.page = Future[httpx2.Response]()

        def go() -> None:
            try:
                page.set_result(self.decide(address))
            except Exception as error:  # shown by the test that asks for the page
                page.set_exception(error)

        self._threads.append(threading.Thread(target=go))
        self._threads[-1].start()

    def leave(self) -> None:
        for thread in self._threads:
            thread.join()


@pytest.fixture
def person() -> Iterator[Person]:
    person = Person()
    yield person
    person.leave()


@pytest.fixture
def enter(provider: OAuth2Provider, send: Send, clock: FixedClock, person: Person) -> Callable[..., Grant]:
    """A login with everything in place, which each test changes where it wants."""

    def enters(app: App = PUBLIC, **changes: Any) -> Grant:
        arguments: dict[str, Any] = {
            "provider": provider,
            "send": send,
            "clock": clock,
            "open_browser": person.open_browser,
            "tell": person.tell,
            "save": person.save,
            **changes,
        }
        return login(app=app, **arguments)

    return enters


Enter = Callable[..., Grant]


# Through the browser


@pytest.mark.parametrize("app", [PUBLIC, CONFIDENTIAL, replace(PUBLIC, grant="refresh_token")])
def test_a_login(enter: Enter, provider: OAuth2Provider, person: Person, app: App) -> None:
    grant = enter(app)
    assert grant.refresh_token
    assert grant.scope == "read"
    assert person.saved == [grant]
    (prompt,) = person.told
    assert person.opened == [prompt.address]
    assert prompt.service == "Practice"
    assert prompt.user_code is None
    assert prompt.limit == 300.0
    query = parse_qs(urlsplit(prompt.address).query)
    assert query["redirect_uri"] == [f"http://127.0.0.1:{prompt.port}/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["state"][0] not in repr(prompt)
    page = person.page.result(10)
    assert page.status_code == 200
    assert "You are logged in" in page.text
    assert "Practice" in page.text
    assert provider.issuer_in_callback  # so `iss` was checked


@pytest.mark.parametrize(
    ("granted", "outlook"),
    [
        ({"refresh_token": "rt", "expires_in": 60}, "Vestal has your Practice token and keeps it alive."),
        ({"expires_in": 60}, "Vestal has your Practice token, but got no refresh token. Log in again"),
        ({}, "Vestal has your Practice token."),
    ],
)
def test_the_page_promises_no_more_than_there_is(
    enter: Enter, person: Person, granted: dict[str, object], outlook: str
) -> None:
    def grants(request: Request) -> Response:
        return Response(200, {}, Secret(json.dumps({"access_token": "at", **granted})), 0.0)

    enter(send=grants)
    assert outlook in person.page.result(10).text


def test_openid(enter: Enter, person: Person) -> None:
    grant = enter(replace(PUBLIC, scopes=("openid", "read")))
    assert "id_token" in grant.secrets  # and its nonce was checked
    assert person.saved == [grant]


def test_without_a_browser_here(enter: Enter, person: Person) -> None:
    person.has_browser, person.by_hand = False, True
    assert enter().refresh_token
    assert "You are logged in" in person.page.result(10).text


def test_a_browser_that_fails_to_start(enter: Enter, person: Person) -> None:
    def broken(address: str) -> bool:
        raise OSError("no display")

    person.by_hand = True
    assert enter(open_browser=broken).refresh_token


def test_the_person_says_no(enter: Enter, server: PracticeServer, person: Person) -> None:
    person.allow = False
    before = server.counters["requests.token"]
    with pytest.raises(PermissionDenied, match="access to Practice was not allowed"):
        enter()
    page = person.page.result(10)
    assert "You are not logged in" in page.text
    assert "Access to Practice was not allowed." in page.text
    assert "Start the login again and allow it" in page.text
    assert server.counters["requests.token"] == before
    assert person.saved == []


def test_the_exchange_fails(enter: Enter, server: PracticeServer, person: Person) -> None:
    server.faults.add("token", "status", times=1, status=400)
    with pytest.raises(VestalError) as caught:
        enter()
    page = person.page.result(10)
    assert "You are not logged in" in page.text
    assert "Practice" in page.text
    assert person.saved == []
    assert "code=" not in dump(caught.value)


def test_the_app_is_refused(enter: Enter, person: Person) -> None:
    with pytest.raises(AuthFailed, match="invalid_client"):
        enter(replace(CONFIDENTIAL, client_secret=Secret("wrong")))
    assert "invalid_client" in person.page.result(10).text


def test_what_can_not_be_saved_is_no_success(enter: Enter, person: Person) -> None:
    def full(grant: Grant) -> None:
        raise StoreUnavailable("the disk is full", remedy="make room")

    with pytest.raises(StoreUnavailable):
        enter(save=full)
    page = person.page.result(10).text
    assert "You are not logged in" in page
    assert "The disk is full." in page
    assert "Make room." in page


def test_a_defect_is_no_success(enter: Enter, person: Person) -> None:
    def broken(grant: Grant) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        enter(save=broken)
    assert "It ended before it was finished." in person.page.result(10).text


def test_an_attackers_answer_first(enter: Enter, person: Person) -> None:
    attacks: list[int] = []

    def attacked(address: str) -> bool:
        redirect = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        queries = ("code=evil&state=guess", "error=access_denied", "error=access_denied&state=x")
        attacks.extend(httpx2.get(f"{redirect}?{query}", trust_env=False).status_code for query in queries)
        return person.open_browser(address)

    assert enter(open_browser=attacked).refresh_token
    assert attacks == [400, 400, 400]


def test_nobody_comes(enter: Enter, person: Person) -> None:
    person.has_browser = False
    with pytest.raises(LoginTimedOut, match="nobody finished the login"):
        enter(limit=0.01)
    assert person.told[0].limit == 0.01
    assert person.saved == []


def test_where_the_answer_is_to_come(enter: Enter, person: Person) -> None:
    with Loopback() as free:
        port = free.port
    for settings, redirect_uri in (
        ({"redirect_port": str(port), "redirect_path": "/"}, f"http://127.0.0.1:{port}/"),
        ({"redirect_uri": f"http://localhost:{port}/callback"}, f"http://localhost:{port}/callback"),
    ):
        assert enter(replace(PUBLIC, settings=settings)).refresh_token
        assert parse_qs(urlsplit(person.opened[-1]).query)["redirect_uri"] == [redirect_uri]


@pytest.mark.parametrize(
    "settings",
    [
        {"redirect_port": "http"},
        {"redirect_port": "-1"},
        {"redirect_port": "70000"},
        {"redirect_port": "9" * 5000},
        {"redirect_path": "callback"},
        {"redirect_uri": "https://acme.example/callback"},
    ],
)
def test_settings_that_make_no_sense(enter: Enter, person: Person, settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        enter(replace(PUBLIC, settings=settings))
    assert "redirect_" in caught.value.remedy
    assert person.told == []


def test_a_bound_token(enter: Enter, provider: OAuth2Provider, server: PracticeServer) -> None:
    bound = enter(provider=replace(provider, dpop=True))
    assert bound.token_type == "DPoP"
    assert DPoPKey.from_secret(bound.secrets[DPOP_KEY]).thumbprint()
    key = DPoPKey.generate()
    assert enter(proof=key).secrets[DPOP_KEY] == key.secret()


# With a receiver of one's own


class Elsewhere:
    """A receiver without a port."""

    redirect_uri = "http://127.0.0.1:1/callback"
    port = None

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.finished: list[tuple[str, bool, str]] = []
        self.left = False

    def __enter__(self) -> Elsewhere:
        return self

    def __exit__(self, *exc: object) -> None:
        self.left = True

    def listen(self, accept: Judge) -> None:
        self.reception.listen(accept)

    def wait(self) -> Secret:
        return self.reception.wait()

    def finish(self, title: str, text: str, ok: bool, remedy: str = "") -> None:
        self.finished.append((title, ok, remedy))


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere(Reception(30))


@pytest.mark.parametrize("allow", [True, False])
def test_another_receiver(enter: Enter, person: Person, elsewhere: Elsewhere, allow: bool) -> None:
    asked: list[tuple[App, float]] = []

    def receive(app: App, limit: float) -> Elsewhere:
        asked.append((app, limit))
        return elsewhere

    def opens(address: str) -> bool:
        back = log_in(address, allow=allow, follow=False)
        assert back.startswith(elsewhere.redirect_uri)
        elsewhere.reception.take(Secret(urlsplit(back).query))
        return True

    def enters() -> Grant:
        return enter(receive=receive, open_browser=opens, limit=7)

    if allow:
        assert enters().refresh_token
        assert elsewhere.finished == [("You are logged in", True, "")]
    else:
        with pytest.raises(PermissionDenied):
            enters()
        ((title, ok, remedy),) = elsewhere.finished
        assert (title, ok) == ("You are not logged in", False)
        assert remedy.startswith("Start the login again")
    assert asked == [(PUBLIC, 7)]
    assert person.told[0].port is None
    assert elsewhere.left


def test_a_receiver_that_ends_the_login(enter: Enter, person: Person, elsewhere: Elsewhere) -> None:
    elsewhere.reception.end(ConfigError("replaced"))
    with pytest.raises(ConfigError, match="replaced"):
        enter(receive=lambda app, limit: elsewhere, open_browser=lambda address: True)
    assert elsewhere.left
    assert elsewhere.finished == []


def test_the_loopback_can_be_ended_as_well(enter: Enter, person: Person) -> None:
    reception = Reception(30)

    def opens(address: str) -> bool:
        reception.end(ConfigError("replaced"))
        return True

    with pytest.raises(ConfigError, match="replaced"):
        enter(receive=lambda app, limit: loopback(app, limit, reception), open_browser=opens)
    assert reception.page.result(0).title == "This login is over"


def test_a_clock_that_ends_the_login(enter: Enter, person: Person, clock: FixedClock) -> None:
    class Ended(FixedClock):
        def sleep(self, seconds: float) -> None:
            raise ConfigError("replaced")

    with pytest.raises(ConfigError, match="replaced"):
        enter(device=True, clock=Ended(clock.now()))
    assert len(person.told) == 1
    assert person.saved == []


# With a code for another machine


def decide(server: PracticeServer, person: Person, *, approved: bool) -> Callable[[LoginPrompt], None]:
    def tell(prompt: LoginPrompt) -> None:
        person.told.append(prompt)
        assert prompt.user_code is not None
        server.decide_device(prompt.user_code, approved=approved)

    return tell


@pytest.mark.parametrize(("app", "device"), [(PUBLIC, True), (replace(CONFIDENTIAL, grant="device_code"), False)])
def test_a_device_code(enter: Enter, server: PracticeServer, person: Person, app: App, device: bool) -> None:
    grant = enter(app, device=device, tell=decide(server, person, approved=True))
    assert grant.refresh_token
    assert person.saved == [grant]
    (prompt,) = person.told
    assert prompt.address == f"{server.url}/device"
    assert prompt.address_with_code == f"{server.url}/device?user_code={prompt.user_code}"
    assert prompt.limit == 600.0
    assert prompt.port is None
    assert str(prompt.user_code) not in repr(prompt)
    assert person.opened == []


def test_a_device_code_where_there_is_nothing_else(
    enter: Enter, provider: OAuth2Provider, server: PracticeServer, person: Person
) -> None:
    only = replace(provider, authorization_endpoint=None)
    app = replace(PUBLIC, grant="refresh_token")
    assert enter(app, provider=only, tell=decide(server, person, approved=True)).refresh_token
    with pytest.raises(ConfigError, match="no authorization endpoint"):
        enter(app, provider=replace(only, device_authorization_endpoint=None))


def test_a_device_that_is_refused(enter: Enter, server: PracticeServer, person: Person) -> None:
    with pytest.raises(PermissionDenied, match="not allowed"):
        enter(device=True, tell=decide(server, person, approved=False))
    assert person.saved == []


def test_a_device_with_a_bound_token(
    enter: Enter, provider: OAuth2Provider, server: PracticeServer, person: Person
) -> None:
    bound = replace(provider, dpop=True)
    grant = enter(provider=bound, device=True, tell=decide(server, person, approved=True))
    assert grant.token_type == "DPoP"
    assert DPOP_KEY in grant.secrets


# Neither


@pytest.mark.parametrize("device", [False, True])
@pytest.mark.parametrize("grant", ["client_credentials", "jwt_bearer", "token_exchange", "unheard_of"])
def test_a_grant_without_a_person(enter: Enter, person: Person, grant: str, device: bool) -> None:
    with pytest.raises(ConfigError, match="needs no login") as caught:
        enter(replace(PUBLIC, grant=grant), device=device)
    assert "vestal refresh" in caught.value.remedy
    assert person.told == []


def test_no_report_of_a_failure_shows_a_secret(enter: Enter, server: PracticeServer, person: Person) -> None:
    sent: list[Secret] = []

    def cut(request: Request) -> Response:
        assert request.form is not None
        sent.extend(value for value in request.form.values() if isinstance(value, Secret))
        raise NetworkError("cut off")

    app = replace(CONFIDENTIAL, client_auth="post")
    with pytest.raises(NetworkError) as caught:
        enter(app, send=cut)
    report = dump(caught.value)
    assert len(sent) >= 3  # the code, the verifier and the client's secret
    assert [secret for secret in sent if secret.reveal() in report] == []


def test_needs_login_is_told_as_such(enter: Enter, person: Person) -> None:
    def late(request: Request) -> Response:
        return Response(400, {}, Secret('{"error": "invalid_grant"}'), 0.0)

    with pytest.raises(NeedsLogin, match="refused the login"):
        enter(send=late)
    assert "Practice refused the login: invalid_grant." in person.page.result(10).text
