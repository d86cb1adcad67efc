from __future__ import annotations

import asyncio
import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx2
import pytest

from tests.real import by_hand
from tests.real.browser import Browser
from tests.real.house import add, another, refresh_token_of, stored, whoami
from tests.real.server import AuthorizationServer, Client
from vestal.core.clock import SystemClock
from vestal.core.credential import State, state
from vestal.core.errors import NeedsLogin, NetworkError, Outcome
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response
from vestal.home import Home
from vestal.http import HTTPSender


class Later(SystemClock):
    """An hour ahead: to it, the server's tokens have expired."""

    now = staticmethod(lambda: SystemClock.now() + 3600)


class Hasty(SystemClock):
    """Does not wait between tries."""

    sleep = staticmethod(lambda seconds: None)


def digest(secret: Secret) -> str:
    return hashlib.sha256(secret.reveal().encode()).hexdigest()


@pytest.fixture
def client(oidc: AuthorizationServer) -> Client:
    return oidc.register("none")


@pytest.fixture
def brought(oidc: AuthorizationServer, home: Home, browser: Browser, client: Client) -> Secret:
    """A refresh token that a person brings, now with the credential `mine`."""
    refresh_token = Secret(by_hand.log_in(oidc, client, browser)["refresh_token"])
    add(home, "mine", oidc, client, refresh_token=refresh_token)
    return refresh_token


def redemptions(oidc: AuthorizationServer, client: Client) -> list[tuple[str | None, int]]:
    """What was redeemed, and with what status, after the login."""
    return [(seen.refresh_token, seen.status) for seen in oidc.requests(client) if seen.grant_type == "refresh_token"]


def test_five_rotations_in_a_row(oidc: AuthorizationServer, home: Home, client: Client, brought: Secret) -> None:
    chain = [brought]
    for version in range(1, 6):
        token = home.source("mine").refresh()
        assert token.version == version
        chain.append(refresh_token_of(home, "mine"))
    assert len(set(chain)) == 6
    assert redemptions(oidc, client) == [(digest(old), 200) for old in chain[:-1]]
    assert whoami(oidc, token).json()["sub"] == "ada"


def test_another_process_goes_on_with_the_rotated_one(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret
) -> None:
    home.token("mine")
    rotated = refresh_token_of(home, "mine")
    home.close()
    with another(home, clock=Later()) as other:
        assert other.token("mine").version == 2
    assert redemptions(oidc, client) == [(digest(brought), 200), (digest(rotated), 200)]


def test_an_old_one_that_comes_back_ends_the_grant(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret
) -> None:
    home.token("mine")
    by_hand.refresh(oidc, client, brought.reveal())  # a backup that was restored, a second copy, a thief
    assert oidc.requests(client)[-1].grant_revoked
    refuses_for_good(oidc, home, client)


def test_one_that_somebody_else_has_redeemed(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret
) -> None:
    by_hand.refresh(oidc, client, brought.reveal())
    refuses_for_good(oidc, home, client)
    assert [seen.detail for seen in oidc.requests(client) if seen.grant_revoked] == ["refresh token already used"]


def refuses_for_good(oidc: AuthorizationServer, home: Home, client: Client) -> None:
    """The refusal is reported as what it is, sent once, remembered, and mended by a new refresh token."""
    before = len(oidc.requests(client))
    for _ in range(3):
        with pytest.raises(NeedsLogin) as refused:
            home.source("mine").refresh()
        assert refused.value.reason == "refused"
        assert "vestal login mine" in refused.value.remedy
    assert len(oidc.requests(client)) == before + 1
    assert state(stored(home, "mine"), now=home.clock.now(), leased=False) is State.NEEDS_LOGIN

    with Browser("grace") as other:
        new = Secret(by_hand.log_in(oidc, client, other)["refresh_token"])
    add(home, "mine", oidc, client, refresh_token=new, over=True)
    assert whoami(oidc, home.source("mine").refresh()).json()["sub"] == "grace"


@pytest.mark.parametrize("homes", [1, 2])
def test_fifty_threads_on_an_expired_credential(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret, homes: int
) -> None:
    home.token("mine")
    start = threading.Barrier(50)

    def ask(home: Home) -> Token:
        start.wait()
        return home.token("mine")

    with ExitStack() as crowd, ThreadPoolExecutor(50) as threads:
        doors = [crowd.enter_context(another(home, clock=Later())) for _ in range(homes)]
        tokens = list(threads.map(ask, doors * (50 // homes)))
    assert {token.version for token in tokens} == {2}
    assert len({token.access_token for token in tokens}) == 1
    assert [status for _, status in redemptions(oidc, client)] == [200, 200]


async def test_a_hundred_tasks_on_an_expired_credential(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret
) -> None:
    home.token("mine")
    with another(home, clock=Later()) as later:
        tokens = await asyncio.gather(*(later.source("mine").atoken() for _ in range(100)))
    assert {token.version for token in tokens} == {2}
    assert [status for _, status in redemptions(oidc, client)] == [200, 200]


def test_many_401s_at_once(oidc: AuthorizationServer, home: Home, client: Client, brought: Secret) -> None:
    from vestal.hooks.httpx2 import VestalAuth

    source = home.source("mine")
    oidc.forget(source.token().access_token.reveal())
    start = threading.Barrier(20)
    with httpx2.Client(auth=VestalAuth(source, [oidc.issuer]), trust_env=False) as http:

        def call(_: int) -> int:
            start.wait()
            return http.get(f"{oidc.issuer}/me").status_code

        with ThreadPoolExecutor(20) as threads:
            assert set(threads.map(call, range(20))) == {200}
    assert [status for _, status in redemptions(oidc, client)] == [200, 200]


class Lossy:
    """Sends, and loses the first answer of the token endpoint that it may lose."""

    def __init__(self, losses: int, outcome: Outcome) -> None:
        self._send = HTTPSender()
        self._losses = losses
        self._outcome = outcome

    def __call__(self, request: Request) -> Response:
        if request.method == "GET" or self._losses == 0:
            return self._send(request)
        self._losses -= 1
        if self._outcome is Outcome.UNKNOWN:
            self._send(request)
        raise NetworkError("the connection broke", outcome=self._outcome)

    def close(self) -> None:
        self._send.close()


@pytest.mark.parametrize("losses", [1, 9])
def test_a_lost_answer_is_asked_for_once_more_and_told_as_it_is(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret, losses: int
) -> None:
    """This server has no grace: the replay costs the grant. What counts is two sendings at most, and the true reason."""
    send = Lossy(losses, Outcome.UNKNOWN)
    for _ in range(2):
        with another(home, send=send) as lossy, pytest.raises(NeedsLogin) as interrupted:
            lossy.token("mine")
        assert interrupted.value.reason == "interrupted refresh"
    assert redemptions(oidc, client) == [(digest(brought), 200), (digest(brought), 400)]


def test_what_was_never_sent_is_sent_again(
    oidc: AuthorizationServer, home: Home, client: Client, brought: Secret
) -> None:
    home.close()
    with another(home, clock=Hasty(), send=Lossy(2, Outcome.NOT_SENT)) as lossy:
        assert whoami(oidc, lossy.token("mine")).json()["sub"] == "ada"
    assert redemptions(oidc, client) == [(digest(brought), 200)]
