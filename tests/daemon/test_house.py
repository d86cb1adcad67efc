from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vestal.core.credential import App, Credential
from vestal.core.errors import NetworkError, Outcome, TimedOut
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response
from vestal.daemon.access import Access
from vestal.daemon.house import House
from vestal.daemon.limits import Limits
from vestal.daemon.problem import Refusal
from vestal.home import Home


class Hanging:
    """A service that does not answer until it is let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.go = threading.Event()

    def __call__(self, request: Request) -> Response:
        self.asked += 1
        self.go.wait()
        raise NetworkError("gone", outcome=Outcome.NOT_SENT)


async def test_the_use_of_a_key_is_noted_though_none_is_used_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    house = House(home, limits=Limits(noted=0.01))
    key = house.access.add("robot", ["*"], ["token"])
    assert house.access.check(key)
    house.note_keys()
    other = Access(home.folder)  # as `vestal key list` reads it, in another process
    async with asyncio.timeout(20):
        while other.list()[0].last_used_at is None:
            await asyncio.sleep(0.01)
    other.close()
    house.close()
    home.close()


@pytest.fixture
def service() -> Iterator[Hanging]:
    service = Hanging()
    yield service
    service.go.set()


@pytest.fixture
def house(tmp_path: Path, service: Hanging) -> Iterator[House]:
    home = Home(tmp_path / "home", send=service)
    app = App(provider="custom", client_id="x", settings={"token_url": "https://e.example/t", "client_auth": "none"})
    now = home.clock.now()
    token = Token(Secret("t"), expires_at=now + 3600, issued_at=now, version=1)
    home.store.save(Credential(name="alice", app=app, token=token, refresh_token=Secret("r"), version=1))
    house = House(home, limits=Limits(deadline=1.0))
    yield house
    service.go.set()
    house.close()
    home.close()


async def test_a_refresh_that_hangs_ends_at_the_deadline_and_stops_nothing(house: House, service: Hanging) -> None:
    with pytest.raises(TimedOut):
        await house.refresh("alice")
    assert service.asked == 1
    assert (await house.token("alice")).version == 1  # what is valid is given meanwhile
    service.go.set()


async def test_a_store_that_hangs(house: House) -> None:
    held = threading.Event()
    with pytest.raises(TimedOut):
        await house.read(held.wait)
    held.set()


async def test_a_crowd_has_errors_of_its_own(house: House) -> None:
    found = await asyncio.gather(*(house.source("nobody") for _ in range(100)), return_exceptions=True)
    assert all(isinstance(each, Refusal) and each.status == 404 for each in found)
    assert len({id(each) for each in found}) == 100  # each with a traceback of its own


async def test_what_is_at_hand_needs_no_thread(house: House) -> None:
    await house.token("alice")
    before = threading.active_count()
    task = asyncio.ensure_future(house.token("alice"))
    await asyncio.sleep(0)  # one step of the loop is all that it takes
    assert task.done()
    assert threading.active_count() == before
    assert house.counters.of("alice").hits == 1


async def test_nobody_is_met_by_asking(house: House) -> None:
    with pytest.raises(Refusal):
        await house.source("nobody")
    assert not house.holds(["nobody", "alice"])
    await house.token("alice")
    assert house.holds(["nobody", "alice"])
