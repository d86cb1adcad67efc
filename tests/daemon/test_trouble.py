"""Trouble behind a real daemon: what the API says meanwhile, that it says it in time, and that it works again afterwards.

Nothing is restarted. Every request has ten seconds, which is more than the steered daemon takes by far.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli import disks
from tests.daemon.daemons import wait_for
from tests.daemon.real_daemon import STEERED, RealDaemon
from vestal.core.margins import margins
from vestal.testing.practice import PracticeServer, Settings

NAME, STEADY, MINTED = "acme/ci", "steady", "minted"
IN_TIME = 10.0
Trouble = Callable[[RealDaemon], AbstractContextManager[None]]


@contextlib.contextmanager
def started(folder: Path, **settings: Any) -> Iterator[RealDaemon]:
    """A hurried daemon, of whose credentials each has a token that is good for ten minutes."""
    with PracticeServer(Settings(**{"access_token_lifetime": 600, **settings})) as server:
        daemon = RealDaemon(folder / "home", server, command=STEERED)
        daemon.add(NAME)
        daemon.add(STEADY)
        daemon.add(MINTED, grant="client_credentials")
        try:
            daemon.start(HURRIED="1")
            for name in (NAME, STEADY, MINTED):
                assert daemon.ask(name).json()["version"] == 1
            yield daemon
            daemon.server.faults.clear()
            daemon.server.faults.release()
        finally:
            daemon.close()


@contextlib.contextmanager
def locked(daemon: RealDaemon) -> Iterator[None]:
    """Another process writes to the store, and does not come to an end."""
    other = sqlite3.connect(daemon.folder / "store.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def faulty(kind: str, **options: Any) -> Trouble:
    """The token endpoint fails, whoever asks."""

    @contextlib.contextmanager
    def trouble(daemon: RealDaemon) -> Iterator[None]:
        daemon.server.faults.add("token", kind, times=None, **options)
        yield
        daemon.server.faults.clear()
        daemon.server.faults.release()

    return trouble


@contextlib.contextmanager
def gone(daemon: RealDaemon) -> Iterator[None]:
    """Nobody listens at the service's address."""
    daemon.server.stop()
    yield
    daemon.server.start()


TROUBLE: dict[str, tuple[Trouble, str, int, str]] = {
    "the store is locked": (locked, NAME, 503, "STORE_UNAVAILABLE"),
    "the service fails": (faulty("status", status=500), NAME, 502, "HTTP_ERROR"),
    "the service is in maintenance": (faulty("status", status=503, retry_after="1"), NAME, 502, "HTTP_ERROR"),
    "the service wants to be left alone": (faulty("rate_limit", retry_after="1"), NAME, 429, "RATE_LIMIT_EXCEEDED"),
    "the service hangs": (faulty("hang_before"), MINTED, 504, "TIMEOUT"),
    "the service cuts": (faulty("cut_before"), MINTED, 502, "NETWORK_ERROR"),
    "the service talks nonsense": (faulty("garbage"), MINTED, 424, "HTTP_ERROR"),
    "the service is gone": (gone, NAME, 502, "NETWORK_ERROR"),
}


@pytest.mark.parametrize("what", TROUBLE)
def test_trouble_that_passes(tmp_path: Path, what: str) -> None:
    trouble, name, status, category = TROUBLE[what]
    with started(tmp_path) as daemon:
        with trouble(daemon):
            told = problem(daemon.ask(name, newer_than=1, timeout=IN_TIME), status, category)
            assert told["credential"] == name
            assert told["retry_after"] is None if trouble is locked else told["retry_after"] > 0
            others_are_served(daemon)
        works_again(daemon, name)


def test_a_refresh_token_that_is_refused(tmp_path: Path) -> None:
    """A person is needed; what is still good is given meanwhile, and when they have logged in all is well."""
    with started(tmp_path) as daemon:
        refused = daemon.credential(NAME).refresh_token
        assert refused is not None
        daemon.server.revoke_family(refused)
        told = problem(daemon.ask(NAME, newer_than=1, timeout=IN_TIME), 409, "NEEDS_LOGIN")
        assert told["reason"] == "refused"
        assert "vestal login" in told["remedy"]
        others_are_served(daemon)
        daemon.add(NAME)
        works_again(daemon, NAME)


def test_a_service_that_hangs_on_a_rotating_refresh_token(tmp_path: Path) -> None:
    """Sent twice and never answered: whether it still works is not known, and trying is left to a person, whom we ask."""
    with started(tmp_path) as daemon, faulty("hang_before")(daemon):
        told = problem(daemon.ask(NAME, newer_than=1, timeout=IN_TIME), 409, "NEEDS_LOGIN")
        assert told["reason"] == "interrupted refresh"
        assert "vestal refresh" in told["remedy"]
        others_are_served(daemon)
        daemon.server.faults.clear()
        with daemon.client(timeout=IN_TIME) as client:
            assert client.post(f"/v1/credentials/{NAME}/refresh").json()["version"] == 2
        works_again(daemon, NAME)


def test_an_address_that_leads_nowhere(tmp_path: Path) -> None:
    with started(tmp_path) as daemon:
        daemon.add("lost", token_url="https://nowhere.invalid/token")
        told = problem(daemon.ask("lost", timeout=IN_TIME), 502, "NETWORK_ERROR")
        assert "nowhere.invalid" in told["detail"]
        others_are_served(daemon)


def test_a_service_that_keeps_failing_is_left_alone(tmp_path: Path) -> None:
    """Its breaker opens: other credentials of it are told so at once, and when to come again."""
    with started(tmp_path) as daemon:
        with faulty("status", status=500)(daemon):
            for name in (NAME, MINTED):
                problem(daemon.ask(name, newer_than=1, timeout=IN_TIME), 502, "HTTP_ERROR")
            sent = daemon.server.counters["requests.token"]
            told = problem(daemon.ask(STEADY, newer_than=1, timeout=IN_TIME), 503, "CIRCUIT_OPEN")
            assert 0 < told["retry_after"] <= 30
            assert daemon.server.counters["requests.token"] == sent
            others_are_served(daemon)
        works_again(daemon, STEADY)


def test_a_token_is_given_as_long_as_it_is_good(tmp_path: Path) -> None:
    """Its refresh is overdue and fails: it is given until the very end, and no longer."""
    with started(tmp_path, access_token_lifetime=9) as daemon, faulty("status", status=500)(daemon):
        token = daemon.credential(STEADY).token
        assert token is not None
        expires_at, hard_at = margins(token).expires_at, margins(token, jitter=1.0).hard_at
        assert expires_at is not None
        assert hard_at is not None
        given = 0.0
        while (now := daemon.home.clock.now()) < expires_at + 1:
            answer = daemon.ask(STEADY, timeout=IN_TIME)
            if answer.status_code == 200:
                assert answer.json()["version"] == 1
                given = now
            else:
                told = problem(answer, answer.status_code, answer.json()["category"])
                assert told["category"] in ("HTTP_ERROR", "CIRCUIT_OPEN")
                assert daemon.home.clock.now() >= expires_at
            time.sleep(0.05)
        assert hard_at < given < expires_at
        problem(daemon.ask(STEADY, timeout=IN_TIME), answer.status_code, answer.json()["category"])


def test_the_master_key_is_away(tmp_path: Path) -> None:
    """Nothing can be unsealed, so nothing is redeemed; it needs no restart when the key is back."""
    with started(tmp_path) as daemon:
        key, away = daemon.folder / "key", daemon.folder / "away"
        key.rename(away)
        told = problem(daemon.ask(NAME, newer_than=1, timeout=IN_TIME), 422, "CONFIG_ERROR")
        assert "missing" in told["detail"]
        assert daemon.ask(STEADY, timeout=IN_TIME).json()["version"] == 1
        with daemon.client(timeout=IN_TIME) as client:
            problem(client.get("/readyz"), 422, "CONFIG_ERROR")
            problem(client.get(f"/v1/credentials/{NAME}"), 422, "CONFIG_ERROR")
            listed = client.get("/v1/credentials").json()["credentials"]
            assert {each["state"] for each in listed} == {"error"}
            assert client.get("/healthz").status_code == 200
            away.rename(key)
            assert client.get("/readyz").status_code == 200
        works_again(daemon, NAME)


def test_the_store_is_taken_away(tmp_path: Path) -> None:
    """Nothing is redeemed for a file that nobody will find again."""
    with started(tmp_path) as daemon:
        daemon.home.close()
        sent = daemon.server.counters["requests.token"]
        store, away = daemon.folder / "store.db", daemon.folder / "away"
        store.rename(away)
        problem(daemon.ask(NAME, newer_than=1, timeout=IN_TIME), 503, "STORE_UNAVAILABLE")
        assert daemon.ask(STEADY, timeout=IN_TIME).json()["version"] == 1
        with daemon.client(timeout=IN_TIME) as client:
            for path in ("/readyz", "/v1/credentials", f"/v1/credentials/{NAME}"):
                problem(client.get(path), 503, "STORE_UNAVAILABLE")
            assert client.get("/healthz").status_code == 200
        assert daemon.server.counters["requests.token"] == sent
        assert not store.exists()
        away.rename(store)
        works_again(daemon, NAME)


def test_the_store_is_damaged(tmp_path: Path) -> None:
    """Nothing can be read: that is said, and what is at hand is given."""
    with started(tmp_path) as daemon:
        daemon.home.close()
        for each in daemon.folder.glob("store.db*"):
            with each.open("r+b") as file:
                file.write(b"\xff" * each.stat().st_size)
        problem(daemon.ask(NAME, newer_than=1, timeout=IN_TIME), 422, "CONFIG_ERROR")
        assert daemon.ask(STEADY, timeout=IN_TIME).json()["version"] == 1
        with daemon.client(timeout=IN_TIME) as client:
            for path in ("/readyz", "/v1/credentials", f"/v1/credentials/{NAME}"):
                problem(client.get(path), 422, "CONFIG_ERROR")
            for path in ("/healthz", "/metrics"):
                assert client.get(path).status_code == 200


def test_full_disk(tmp_path: Path) -> None:
    """Nothing is redeemed that could not be kept."""
    with disks.full(tmp_path) as disk:
        if disk.before is not None:
            pytest.skip("takes a disk of its own")
        with started(disk.folder) as daemon:
            sent = daemon.server.counters["requests.token"]
            disk.spoil()
            problem(daemon.ask(NAME, newer_than=1, timeout=IN_TIME), 503, "STORE_UNAVAILABLE")
            others_are_served(daemon)
            assert daemon.server.counters["requests.token"] == sent
            assert daemon.ask(MINTED, newer_than=1).json()["version"] == 2  # nothing is lost with that one
            disk.mend()
            works_again(daemon, NAME)


def problem(answer: httpx2.Response, status: int, category: str) -> dict[str, Any]:
    """The problem, which says what to do; and its header, which says when."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["category"]) == (status, category), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["status"] == status
    assert told["detail"]
    assert told["remedy"]
    if told["retry_after"] is not None:
        assert int(answer.headers["retry-after"]) >= told["retry_after"]
    return told


def others_are_served(daemon: RealDaemon) -> None:
    """What is still good is given, and the daemon can be looked at."""
    for name in (NAME, STEADY, MINTED):
        assert daemon.ask(name, timeout=IN_TIME).json()["version"] in (1, 2)
    with daemon.client(timeout=IN_TIME) as client:
        for path in ("/healthz", "/readyz", "/v1/credentials", f"/v1/credentials/{NAME}", "/metrics"):
            assert client.get(path).status_code == 200, path


def works_again(daemon: RealDaemon, name: str) -> None:
    """A newer token, which the service takes, as soon as it is asked for again."""
    found: list[str] = []

    def there() -> bool:
        answer = daemon.ask(name, newer_than=1, timeout=IN_TIME)
        if answer.status_code == 200:
            assert answer.json()["version"] == 2
            found.append(answer.json()["access_token"])
        return bool(found)

    wait_for(there)
    assert daemon.accepted(found[0])
    assert daemon.server.counters["reuse_detected"] == 0
