"""Logins as the daemon's other parts use them; tests/daemon/login has them over HTTP."""

from __future__ import annotations

import asyncio
import copy
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.daemon.login.served import add, browse, decide, redirect_of, threads, wait_for
from vestal.core.errors import ConfigError, NetworkError, TimedOut, UnexpectedError
from vestal.core.secret import Secret
from vestal.core.transport import Response
from vestal.daemon.login.conduct import Conduct
from vestal.daemon.logins import KEPT, KEPT_FOR, Login, Logins
from vestal.daemon.problem import Refusal
from vestal.home import Home
from vestal.oauth2.loopback import Loopback
from vestal.testing.clock import FakeClock
from vestal.testing.practice import PracticeServer


@pytest.fixture(scope="module")
def practice() -> Iterator[PracticeServer]:
    with PracticeServer() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path, practice: PracticeServer) -> Iterator[Home]:
    home = Home(tmp_path / "home", clock=FakeClock())
    yield home
    practice.faults.clear()
    practice.faults.release()
    home.close()


@pytest.fixture
def logins(home: Home, practice: PracticeServer) -> Iterator[Logins]:
    made = Logins(home, "http://127.0.0.1:8378")
    add(home, practice, "mine")
    yield made
    practice.faults.release()
    made.close()
    assert threads() == []


def query_of(login: Login) -> Secret:
    return Secret(urlsplit(decide(login.address)).query)


async def test_what_is_kept_of_it(logins: Logins, home: Home) -> None:
    login = await logins.start("mine", by="boss")
    assert (login.name, login.state, login.error, login.version) == ("mine", "waiting", None, None)
    assert login.expires_at == home.clock.now() + 300
    assert login.address not in repr(login)
    assert logins.of(login.id) == logins.latest("mine") == login
    status, page = await logins.answer(query_of(login))
    assert (status, page.ok) == (200, True)
    await until(lambda: logins.latest("mine") == replace(login, state="done", version=1))
    assert logins.of("x") is None
    assert logins.latest("theirs") is None


async def test_it_is_forgotten_in_time(logins: Logins, home: Home) -> None:
    clock = home.clock
    assert isinstance(clock, FakeClock)
    older = await logins.start("mine")
    newer = await logins.start("mine")
    clock.advance(KEPT_FOR - 1)
    assert logins.of(older.id) is not None
    clock.advance(2)
    assert logins.of(older.id) is None
    assert logins.of(newer.id) is not None  # it still goes on
    logins.end()
    await until(lambda: logins.latest("mine").state == "failed")  # type: ignore[union-attr]
    clock.advance(KEPT_FOR + 1)
    assert logins.latest("mine") is None


async def test_not_more_than_so_many_are_kept(home: Home, logins: Logins) -> None:
    login = await logins.start("mine")
    await logins.answer(query_of(login))
    await until(lambda: not any(conduct.busy for conduct in logins._conducts.values()))
    (one,) = logins._conducts.values()
    for number in range(KEPT + 10):
        logins._conducts[str(number)] = over(one, str(number))
    await logins.start("mine")
    assert len(logins._conducts) == KEPT + 1


def over(like: Conduct, id: str) -> Conduct:
    """One that has ended as that one has."""
    twin = copy.copy(like)
    twin.id = id
    return twin


async def test_what_is_in_the_way_at_once(logins: Logins, home: Home, practice: PracticeServer) -> None:
    with pytest.raises(Refusal, match="no credential of that name") as caught:
        await logins.start("theirs")
    assert caught.value.status == 404
    with pytest.raises(Refusal) as caught:
        await logins.start("../mine\0")
    assert caught.value.status == 404
    add(home, practice, "robot", grant="client_credentials")
    with pytest.raises(ConfigError, match="needs no login") as wrong:
        await logins.start("robot")
    assert wrong.value.credential == "robot"
    assert logins.latest("robot") is None
    practice.faults.add("device_authorization", "cut_before")
    with pytest.raises(NetworkError):
        await logins.start("mine", device=True)
    with Loopback() as taken:
        add(home, practice, "port", redirect_port=str(taken.port))
        with pytest.raises(ConfigError, match="can't be had"):
            await logins.start("port")


async def test_a_defect_is_told_by_its_kind_only(home: Home, practice: PracticeServer) -> None:
    def broken(request: object) -> Response:
        raise ZeroDivisionError("canary")

    add(home, practice, "mine")
    other = Home(home.folder, send=broken)
    logins = Logins(other, None)
    with pytest.raises(UnexpectedError, match="ZeroDivisionError") as caught:
        await logins.start("mine", device=True)
    assert "canary" not in str(caught.value)
    logins.close()
    other.close()


async def test_an_address_that_does_not_come(home: Home, practice: PracticeServer) -> None:
    add(home, practice, "mine")
    logins = Logins(home, None, deadline=0.2)
    practice.faults.add("device_authorization", "hang_before")
    with pytest.raises(TimedOut, match="no address to log in at"):
        await logins.start("mine", device=True)
    assert logins.latest("mine") is None
    practice.faults.release()
    logins.close()
    assert home.lifecycle.load("mine").authorizing_until is None


async def test_nobody_waits_for_the_address(home: Home, logins: Logins, practice: PracticeServer) -> None:
    practice.faults.add("device_authorization", "hang_before")
    started = asyncio.create_task(logins.start("mine", device=True))
    await asyncio.to_thread(practice.held)
    started.cancel()
    with pytest.raises(asyncio.CancelledError):
        await started
    practice.faults.release()
    await until(lambda: not any(conduct.busy for conduct in logins._conducts.values()))
    assert home.lifecycle.load("mine").authorizing_until is None


async def test_a_signals_handler_may_end_all(logins: Logins) -> None:
    before = signal.signal(signal.SIGUSR1, lambda number, frame: logins.end())
    try:
        login = await logins.start("mine")
        signal.raise_signal(signal.SIGUSR1)
        await until(lambda: logins.of(login.id) != login)
    finally:
        signal.signal(signal.SIGUSR1, before)
    ended = logins.of(login.id)
    assert ended is not None
    assert ended.error is not None
    assert ended.error.message == "the daemon stops"
    with pytest.raises(Refusal, match="the daemon stops"):
        await logins.start("mine")


async def test_an_app_that_says_nothing_and_a_daemon_without_tcp(home: Home, practice: PracticeServer) -> None:
    add(home, practice, "mine")
    logins = Logins(home, None)
    login = await logins.start("mine")
    port = urlsplit(redirect_of({"address": login.address})).port
    assert port not in (None, 8378)
    page = await asyncio.to_thread(browse, await asyncio.to_thread(decide, login.address))
    assert "You are logged in" in page.text
    assert "<a " not in page.text
    logins.close()
    assert logins.latest("mine") == replace(login, state="done", version=1)


async def until(done: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, done)
