"""What is shipped for gateways, with the real programs: what goes in, what comes through, what comes back."""

from __future__ import annotations

import json
import re
import stat
from contextlib import ExitStack

import pytest

from tests.doors.guarded import certificate
from tests.doors.programs import find, needs
from tests.gateways.conftest import Place
from tests.gateways.gateways import KINDS, Kind
from tests.gateways.running import Answer, Gateway
from vestal.testing.practice import PracticeServer

MINE = "Bearer of-the-client"


def generation(answer: Answer) -> int:
    """How many tokens were issued before the one that the service was shown."""
    assert answer.status == 200, answer.text
    return int(json.loads(answer.body)["generation"])


def test_the_token_is_put_on_the_request(place: Place, gateway: Gateway) -> None:
    answer = gateway.ask("/me?x=1", "POST", body=b"hello")
    assert generation(answer) >= 1, gateway.written
    seen = place.upstream.seen[-1]
    assert (seen.method, seen.target, seen.body) == ("POST", "/me?x=1", b"hello")
    assert seen.all("Authorization") == [f"Bearer {place.token()}"]
    assert seen.all("Host")[0].partition(":")[0] == "localhost"


def test_and_goes_nowhere_else(place: Place, gateway: Gateway) -> None:
    answer = gateway.ask("/me")
    secrets = place.token(), place.addresses.key
    assert answer.status == 200
    assert answer.header("Authorization") is None
    assert not [secret for secret in secrets if secret in answer.text + gateway.written + place.daemon.log]
    assert place.addresses.key not in str(place.upstream.seen)
    held = [file for file in gateway.folder.rglob("vestal*key*") if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in held} <= {0o600}
    assert bool(held) == gateway.kind.has_key


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", MINE)],
        [("Authorization", "")],
        [("X-Vestal-Version", "99"), ("X-Vestal-Credential", "admin"), ("X-Vestal-Token", "x")],
        [("X-Original-URI", "/auth/admin"), ("X-Forwarded-Uri", "/auth/admin"), ("X-Forwarded-Method", "PUT")],
        [("X-Forwarded-For", "8.8.8.8"), ("X-Envoy-Original-Path", "/auth/admin"), ("X-Rewrite-URL", "/auth/admin")],
        [("Host", "gateway.example.com"), ("Cookie", "vestal=1")],
    ],
)
def test_what_the_client_sends_changes_nothing(place: Place, gateway: Gateway, headers: list[tuple[str, str]]) -> None:
    answer = gateway.ask("/me", "GET", *headers)
    assert answer.status == 200, answer.text
    assert place.upstream.seen[-1].all("Authorization") == [f"Bearer {place.token()}"]
    assert answer.header("Authorization") is None


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Basic Zm9vOmJhcg=="), ("authorization", MINE)],
        [("Authorization", MINE), ("Connection", "close, Authorization")],
        [("Authorization", "Bearer vestal_of-the-client")],
        [("Authorization", MINE), ("Transfer-Encoding", "identity")],
        [("Authorization", MINE), ("Host", "elsewhere.example.com")],
    ],
    ids=["twice", "of the connection", "a key", "odd", "host"],
)
def test_what_the_client_may_spoil_for_itself(place: Place, gateway: Gateway, headers: list[tuple[str, str]]) -> None:
    """It may get no answer, but nothing else than the token comes through: not what it sent, and not the key."""
    place.upstream.seen.clear()
    gateway.ask("/me", "GET", *headers)
    given = {tuple(seen.all("Authorization")) for seen in place.upstream.seen}
    assert given <= {(), (f"Bearer {place.token()}",)}


@pytest.mark.parametrize("status", [204, 302, 401, 403, 404, 409, 500, 503])
def test_the_service_s_own_answers_come_through(gateway: Gateway, status: int) -> None:
    answer = gateway.ask(f"/status/{status}")
    assert answer.status == status
    assert answer.body == (b"" if status == 204 else b"its own")


def test_a_newer_token_counts_at_once(place: Place, gateway: Gateway) -> None:
    before = generation(gateway.ask())
    place.house.cli("refresh", "acme")
    assert generation(gateway.ask()) == before + 1


def test_a_token_that_has_expired_is_refreshed_first(place: Place, kind: Kind) -> None:
    with place.start(kind, credential="old") as gateway:
        assert generation(gateway.ask()) == 2
    place.upstream.seen.clear()


def test_tokens_come_and_go(place: Place) -> None:
    """Tokens of 3 seconds, through all gateways at once: every answer is good."""
    place.second.settings.access_token_lifetime = 3
    place.house.cli("refresh", "brief")
    with ExitStack() as stack:
        kinds = [kind for kind in KINDS if kind.over == "tcp" and find(kind.program)]
        gateways = [stack.enter_context(place.start(kind, credential="brief")) for kind in kinds]
        first = generation(gateways[0].ask())
        while min(generation(gateway.ask()) for gateway in gateways) < first + 3:
            pass
    place.second.settings.access_token_lifetime = 3600
    place.house.cli("refresh", "brief")


WITH_KEY = [pytest.param(kind, marks=needs(kind.program)) for kind in KINDS if kind.has_key]
NO_TOKEN = {"nginx": 503, "caddy": 503, "envoy": 503}
"""What the client gets; Traefik hands on what Vestal says."""


def refused(place: Place, answer: Answer, status: int) -> None:
    """The client is told little, and nothing comes to the service."""
    assert answer.status == status, answer.text
    told = answer.text
    assert len(answer.body) < 300
    for word in ("lost", "limited", "acme", "vestal login", "practice", place.addresses.key):
        assert word not in told
    assert not place.upstream.seen


def test_a_login_that_is_needed(place: Place, kind: Kind) -> None:
    place.upstream.seen.clear()
    with place.start(kind, credential="lost") as gateway:
        answer = gateway.ask("/me", "GET", ("Authorization", MINE))
        refused(place, answer, NO_TOKEN.get(kind.program, 409))
        if kind.program != "traefik":
            assert answer.body.strip() == b"no token"
    assert "credential='lost'" in place.daemon.log


def test_patience_that_is_asked_for(place: Place, kind: Kind) -> None:
    place.upstream.seen.clear()
    with PracticeServer() as server:
        server.faults.add("token", "rate_limit", times=None, retry_after=3600)
        with place.start(kind, credential=place.add(f"limited-{kind}", server)) as gateway:
            answer = gateway.ask("/me")
    refused(place, answer, NO_TOKEN.get(kind.program, 429))
    assert 3000 < int(answer.header("Retry-After") or 0) <= 3600


@pytest.mark.parametrize("kind", WITH_KEY, ids=str, indirect=True)
def test_a_wrong_key(place: Place, kind: Kind) -> None:
    place.upstream.seen.clear()
    with place.start(kind, key="vestal_wrong") as gateway:
        refused(place, gateway.ask("/me", "GET", ("Authorization", MINE)), NO_TOKEN.get(kind.program, 401))


def test_a_daemon_that_is_down(place: Place, kind: Kind) -> None:
    place.upstream.seen.clear()
    nowhere = {"tcp": 1} if kind.over == "tcp" else {"socket": place.house.folder / "nowhere"}
    with place.start(kind, **nowhere) as gateway:
        status = {"caddy": 502, "traefik": 500}.get(kind.program, 503)
        refused(place, gateway.ask("/me", "GET", ("Authorization", MINE)), status)


def test_a_service_that_nobody_vouches_for_gets_no_token(place: Place, kind: Kind) -> None:
    place.upstream.seen.clear()
    folder = place.house.folder / f"other-{kind}"
    folder.mkdir()
    with place.start(kind, trusted=certificate(folder)) as gateway:
        assert gateway.ask("/me").status in (502, 500, 503)
    assert not place.upstream.seen


def test_no_client_comes_to_vestal_itself(place: Place, gateway: Gateway) -> None:
    before = len(place.daemon.log)
    for target in ("/_vestal", "/%5fvestal", "/auth/admin", "/v1/credentials", "/v1/credentials/admin/token"):
        for method in ("GET", "POST"):
            answer = gateway.ask(target, method)
            own = answer.status == 404 and gateway.kind.program == "nginx" and "vestal" in target
            assert own or generation(answer) >= 1
    assert set(re.findall(r"token credential=(\S+)", place.daemon.log[before:])) == {"acme"}


def test_a_daemon_that_was_restarted(place: Place, gateway: Gateway) -> None:
    """Connections to the one before, which the gateway has kept, are no trouble."""
    for _ in range(3):
        assert gateway.ask("/me").status == 200
    place.daemon.stop()
    place.daemon.start()
    for _ in range(3):
        assert gateway.ask("/me").status == 200
