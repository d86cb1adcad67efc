"""What a real daemon writes down: who was given which token, never what; and no secret, however loud it gets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.daemon.real_daemon import RealDaemon
from vestal.core.secret import Secret
from vestal.daemon.process.logs import log_file
from vestal.testing.practice import PracticeServer, Settings

NAME = "acme/ci"
WRONG = "vestal_00000000_canary-of-a-wrong-key"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[RealDaemon]:
    with PracticeServer(Settings(access_token_lifetime=600)) as server:
        made = RealDaemon(tmp_path / "home", server)
        made.add(NAME)
        try:
            yield made
        finally:
            made.close()


def lines(daemon: RealDaemon, what: str, *, errors: bool = False) -> list[str]:
    """The lines of a log that hold this, without their times."""
    text = log_file(daemon.folder, errors=errors).read_text("utf-8")
    return [re.sub(r"^\S+ \S+ +", "", line) for line in text.splitlines() if what in line]


def test_who_was_given_which_token(daemon: RealDaemon) -> None:
    """At every door, at the level that a daemon has by default."""
    key = daemon.key("robot@build", "token", pattern="acme/*")
    daemon.start(tcp=True)
    daemon.ask(NAME)
    with daemon.client(key, tcp=True) as client:
        assert client.post(f"/v1/credentials/{NAME}/token").status_code == 200
        assert client.get(f"/auth/{NAME}").status_code == 200
        assert client.get(f"/token/{NAME}").status_code == 200
        assert client.post("/v1/credentials/other/token").status_code == 403
        assert client.get("/v1/credentials").status_code == 200
    local, *robot = lines(daemon, "token credential=")
    assert re.fullmatch(rf"INFO +token credential={NAME} version=1 to=local from=uid:\d+ path=v1", local)
    assert [re.sub(r" +", " ", each) for each in robot] == [
        f"INFO token credential={NAME} version=1 to=robot@build from=127.0.0.1 path={path}"
        for path in ("v1", "auth", "token")
    ]


def test_wrong_keys_are_warned_of(daemon: RealDaemon) -> None:
    daemon.start(tcp=True)
    with daemon.client(Secret(WRONG), tcp=True) as client:
        assert client.get("/v1/credentials").status_code == 401
    with daemon.client(tcp=True) as client:
        assert client.get("/v1/credentials").status_code == 401  # no key at all is nothing to warn of
    for errors in (False, True):
        assert lines(daemon, "wrong key", errors=errors) == ["WARNING wrong key from=127.0.0.1"]


@pytest.mark.parametrize("level", ["info", "debug"])
def test_no_secret_is_written_down(daemon: RealDaemon, level: str) -> None:
    keys = [daemon.key("all", "token", "refresh", "admin"), daemon.key("none", pattern="nobody/*")]
    secrets = {WRONG, "practice-secret", *(key.reveal() for key in keys)}
    secrets |= set((daemon.folder / "key").read_text().split())
    daemon.start(tcp=True, level=level)

    def note() -> None:
        credential = daemon.credential(NAME)
        held = [credential.refresh_token, None if credential.token is None else credential.token.access_token]
        secrets.update(each.reveal() for each in held if each is not None)

    for fault in (
        None,
        "garbage",
        "status",
        "error_200",
        "cut_after",
        "truncated",
        "rate_limit",
        "redirect",
        "empty_400",
    ):
        if fault is not None:
            daemon.server.faults.add("token", fault)
            daemon.add(NAME)  # a person logs in again, whatever became of the one before
        note()
        for key in (*keys, Secret(WRONG), None):
            with daemon.client(key, tcp=True) as client:
                loud(client, secrets)
        with daemon.client() as client:
            loud(client, secrets)
            made = client.post("/v1/sessions")
            if made.status_code == 201:
                code = made.json()["url"].rpartition("/")[2]
                secrets.add(code)
                client.get(f"/dashboard/open/{code}")
        note()
    daemon.stop()
    told = daemon.log()
    assert len(secrets) > 10
    assert len(told) > 2000
    assert not [secret[:8] for secret in secrets if secret in told]


def loud(client: httpx2.Client, secrets: set[str]) -> None:
    """Everything that is asked for rightly, and secrets where none belongs."""
    client.post(f"/v1/credentials/{NAME}/token")
    client.post(f"/v1/credentials/{NAME}/refresh")
    client.post(f"/v1/credentials/{NAME}/token", json={"newer_than": 10**6})
    client.get(f"/auth/{NAME}")
    client.get(f"/token/{NAME}")
    client.get("/metrics")
    client.get("/api/token-cache/performance", params={"credential": NAME})
    for secret in sorted(secrets)[:5]:
        client.get(f"/v1/credentials/{secret}", params={"access_token": secret})
        client.post("/v1/credentials/x/token", content=secret)
        client.request(re.sub(r"\W", "", secret), f"/{secret}")
        client.get("/healthz", headers={"Last-Event-ID": secret, "Accept": secret, "Host": secret, "Cookie": secret})
        with client.stream("GET", "/v1/events", params={"credential": secret}) as stream:
            next(stream.iter_raw())
