"""Many callers, one refresh: over threads, tasks and processes, counted at the server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest

from tests.lifecycle.conftest import NAME, House
from vestal.core.credential import Credential
from vestal.core.errors import ConfigError, TimedOut
from vestal.core.refreshing import RefreshingSource
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.hooks.httpx2 import VestalAuth


def test_a_thousand_threads_and_a_thousand_tasks(house: House) -> None:
    house.add()
    worker = house.worker("herd", "1000", "1000")
    worker.go()
    report = worker.report()
    assert report["errors"] == []
    assert report["versions"] == {"1": 2000}
    assert house.accepted(*report["tokens"])
    assert house.redemptions == 1
    assert house.sent == 1


def test_eight_processes_of_eight_threads_and_fifty_tasks(house: House) -> None:
    house.add()
    workers = [house.worker("herd", "8", "50") for _ in range(8)]
    for worker in workers:
        worker.go()
    reports = [worker.report() for worker in workers]
    assert [report["errors"] for report in reports] == [[]] * 8
    assert [report["versions"] for report in reports] == [{"1": 58}] * 8
    assert len({token for report in reports for token in report["tokens"]}) == 1
    assert house.redemptions == 1
    assert house.sent == 1


def test_eight_processes_over_several_rotations(house: House) -> None:
    """Each round begins with an expired credential: one redemption a round, and the family lives on."""
    house.add()
    for rounds in range(1, 4):
        workers = [house.worker("herd", "4", "10") for _ in range(8)]
        for worker in workers:
            worker.go()
        for worker in workers:
            assert worker.report()["errors"] == []
        assert house.redemptions == rounds
        house.server.settings.access_token_lifetime = 60
        home = house.home()
        home.lifecycle.update(NAME, expire)
    assert house.server.counters["reuse_detected"] == 0


async def test_five_hundred_simultaneous_401s(house: House) -> None:
    house.add()
    source = house.home().source(NAME)
    first = await source.atoken()
    house.server.revoke_access_tokens()
    async with httpx2.AsyncClient(
        auth=VestalAuth(source), timeout=60, limits=httpx2.Limits(max_connections=100)
    ) as client:
        answers = await asyncio.gather(*[client.get(f"{house.server.url}/resource") for _ in range(500)])
    assert [answer.status_code for answer in answers] == [200] * 500
    assert house.server.counters["resource.401"] >= 1
    assert house.redemptions == 2  # the first token, and the one that all 500 share
    assert (await source.atoken()).version == first.version + 1


def test_five_hundred_threads_report_the_same_refused_token(house: House) -> None:
    house.add()
    source = house.home().source(NAME)
    refused = source.token()
    barrier = threading.Barrier(500)
    found: list[Token] = []

    def ask() -> None:
        barrier.wait()
        found.append(source.token(newer_than=refused.version))

    threads = [threading.Thread(target=ask) for _ in range(500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {token.version for token in found} == {refused.version + 1}
    assert house.redemptions == 2


async def test_cancelled_callers_lose_nothing(house: House) -> None:
    """The answer is held back while its callers are cancelled; the refresh goes on, and its result is saved."""
    house.add()
    house.server.faults.add("token", "hang_after")
    source = house.home().source(NAME)
    callers = [asyncio.create_task(source.atoken()) for _ in range(20)]
    await asyncio.to_thread(house.server.held)
    for caller in callers:
        caller.cancel()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    late = asyncio.create_task(source.atoken())
    house.server.faults.release()
    token = await late
    assert token.version == 1
    assert house.credential().version == 1
    assert house.accepted(token.access_token.reveal())
    assert house.redemptions == house.sent == 1


def test_timed_out_callers_lose_nothing(house: House) -> None:
    house.add()
    house.server.faults.add("token", "hang_after")
    lifecycle = house.home().lifecycle
    source = RefreshingSource(NAME, lifecycle, deadline=0.2)
    with pytest.raises(TimedOut, match="the refresh goes on"):
        source.token()
    house.server.faults.release()
    patient = RefreshingSource(NAME, lifecycle)
    assert patient.token().version == 1
    assert source.token().version == 1
    assert house.redemptions == house.sent == 1


def expire(credential: Credential) -> Credential:
    """The same credential with an access token that has expired."""
    assert credential.token is not None
    token = replace(credential.token, expires_at=credential.token.issued_at + 0.001)
    return replace(credential, token=token)


def test_a_source_lets_go_of_the_old_token_when_a_person_logs_in(house: House) -> None:
    """In the same process; another one notices when its token is due or refused."""
    house.add()
    home = house.home()
    source = home.source(NAME)
    old = source.token()
    home.add(NAME, house.credential().app, Secret(house.server.issue_refresh_token("practice")), over=True)
    assert source.peek() is None
    new = source.token()
    assert new.version == old.version + 1
    assert new.access_token != old.access_token
    home.remove(NAME)
    with pytest.raises(ConfigError, match="no credential of that name"):
        source.token()


def test_a_fresh_process_serves_the_stored_token_while_the_endpoint_is_down(make_house: Callable[..., House]) -> None:
    """The token is due, and its refresh fails for a passing reason: what the store has is still valid."""
    house = make_house(access_token_lifetime=60)
    house.add()
    first = house.home().source(NAME).token()
    house.home().lifecycle.update(NAME, almost_expired)
    house.server.stop()
    token = house.home().source(NAME).token()
    assert token.access_token == first.access_token
    house.server.start()


def almost_expired(credential: Credential) -> Credential:
    """The same with a token that is past its hard margin and not expired."""
    assert credential.token is not None
    issued_at = credential.token.issued_at - 55
    return replace(credential, token=replace(credential.token, issued_at=issued_at, expires_at=issued_at + 60))
