"""kill -9 at every step of a refresh, in a real process on a real store: what the next worker makes of it.

The steps are named by events, so the very code that ships is what is killed. Two more points are chosen from the server's
side, where no event of ours can be: the request has arrived and nothing is redeemed, or all is redeemed and not answered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.lifecycle.conftest import NAME, House
from vestal.core.credential import State
from vestal.core.errors import NeedsLogin

SERVERS: dict[str, dict[str, Any]] = {
    "rotating": {"rotation": True, "reuse_grace": 0},
    "rotating with grace": {"rotation": True, "reuse_grace": 60},
    "rotating, grace gives new ones": {"rotation": True, "reuse_grace": 60, "grace_successor": "new"},
    "not rotating": {"rotation": False},
}

# Where the worker dies, and what the server has seen of the refresh token by then: how often it came and was redeemed.
POINTS = {
    "lease_taken": (0, 0),
    "refresh_started": (0, 0),
    "intent_saved": (0, 0),
    "arrived": (1, 0),
    "redeemed": (1, 1),
    "response_received": (1, 1),
    "response_saved": (1, 1),
    "token_parsed": (1, 1),
    "token_saved": (1, 1),
    "refreshed": (1, 1),
}
BEFORE_THE_INTENT = ("lease_taken", "refresh_started")
ANSWER_LOST = ("redeemed", "response_received")
UNANSWERED = ("intent_saved", "arrived", *ANSWER_LOST)
FROM_THE_JOURNAL = ("response_saved", "token_parsed")
DONE = ("token_saved", "refreshed")


def die(house: House, point: str) -> None:
    """Let a worker ask for the token, and kill it at that point."""
    faults = {"arrived": "hang_before", "redeemed": "hang_after"}
    if point in faults:
        house.server.faults.add("token", faults[point])
        worker = house.worker("crash", "never")
        worker.go()
        house.server.held()
        worker.kill()
        house.server.counters.wait_for("requests.token")
        house.server.faults.release()
    else:
        worker = house.worker("crash", point)
        worker.go()
        worker.killed()


def check_truth(house: House, point: str) -> None:
    """Nobody works on it now: the record must say what really is."""
    credential = house.credential()
    assert (credential.intent is not None) == (point not in (*BEFORE_THE_INTENT, *DONE))
    assert house.state() is (State.ERROR if credential.intent else State.IDLE)
    assert credential.version == (1 if point in DONE else 0)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("server", SERVERS)
def test_kill_at_every_step(make_house: Callable[..., House], server: str, point: str) -> None:
    house = make_house(**SERVERS[server])
    house.add()
    die(house, point)
    sent, redeemed = POINTS[point]
    assert house.sent == sent
    assert house.server.counters.redeemed(house.refresh_token) == redeemed
    check_truth(house, point)

    source = house.home().source(NAME)
    if point in ANSWER_LOST and server == "rotating":
        with pytest.raises(NeedsLogin) as caught:
            source.token()
        assert caught.value.reason == "interrupted refresh"
        assert house.state() is State.NEEDS_LOGIN
        assert house.sent == 2
        with pytest.raises(NeedsLogin):  # remembered: nothing is sent again, by this process or another
            house.home().source(NAME).token()
        assert house.sent == 2
        return

    token = source.token()
    assert house.accepted(token.access_token.reveal())
    assert house.state() is State.IDLE
    credential = house.credential()
    assert credential.intent is None
    assert credential.version == 1
    replayed = point in ("arrived", *ANSWER_LOST)
    assert house.sent == (2 if replayed else 1)
    assert house.server.counters["reuse_detected"] == 0
    if point in (*FROM_THE_JOURNAL, *DONE):
        assert house.redemptions == 1

    # The grant lives on: what is stored now works.
    assert source.token(newer_than=token.version).version == 2
    assert house.server.counters["reuse_detected"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("second", POINTS)
@pytest.mark.parametrize("first", POINTS)
@pytest.mark.parametrize("server", SERVERS)
def test_kill_twice(make_house: Callable[..., House], server: str, first: str, second: str) -> None:
    """The worker that takes over is killed as well. Nobody presents the refresh token a third time."""
    if first in DONE:
        die_after_done(make_house(**SERVERS[server]), first)
        return
    house = make_house(**SERVERS[server])
    house.add()
    die(house, first)
    sends = first not in FROM_THE_JOURNAL
    reached = second
    if not sends and second in (*UNANSWERED, "response_saved"):
        reached = ""  # with the answer in the journal it neither writes an intent nor sends: it does not come by there
    elif (
        first in ANSWER_LOST
        and server == "rotating"
        and second in ("token_parsed", "token_saved", "refreshed", "redeemed")
    ):
        reached = ""  # its replay is refused, so there is nothing to parse, save or redeem
    if reached:
        die(house, reached)
    lost = server == "rotating" and (first in ANSWER_LOST or reached in ANSWER_LOST)
    unknown_twice = first in UNANSWERED and reached in UNANSWERED
    third = house.home().source(NAME)
    if lost or unknown_twice:
        with pytest.raises(NeedsLogin) as caught:
            third.token()
        assert caught.value.reason == "interrupted refresh"
        assert house.sent <= 2
        assert house.state() is State.NEEDS_LOGIN
        assert house.credential().refresh_token is not None  # kept: a person may try it once more
        return
    token = third.token()
    assert house.sent <= 2
    assert house.accepted(token.access_token.reveal())
    assert house.state() is State.IDLE
    assert third.token(newer_than=token.version).version == token.version + 1


def die_after_done(house: House, point: str) -> None:
    """Killed after the saving: everything is as if nothing had happened."""
    house.add()
    die(house, point)
    assert house.home().source(NAME).token().version == 1
    assert house.sent == 1


@pytest.mark.parametrize("point", ["intent_saved", "arrived", "response_saved", "token_saved"])
def test_a_waiting_process_takes_over_at_once(house: House, point: str) -> None:
    """Another process waits for the lease while its holder is killed: the kernel hands it over."""
    house.add()
    if point == "arrived":
        house.server.faults.add("token", "hang_before")
    first = house.worker("linger", "refreshed" if point == "arrived" else point)
    second = house.worker("crash", "never")
    first.go()
    if point == "arrived":
        house.server.held()
    else:
        first.wait_until_ready()
    second.go()
    first.kill()
    house.server.faults.release()
    report = second.report()
    assert report["errors"] == []
    assert house.accepted(*report["tokens"])
    assert house.sent <= 2
    assert house.credential().version == 1


def test_a_person_may_try_the_kept_refresh_token_once_more(house: House) -> None:
    """Two redemptions with unknown outcome, neither of which arrived: the login is not lost with them."""
    house.add()
    house.server.faults.add("token", "cut_before", times=2)
    source = house.home().source(NAME)
    with pytest.raises(NeedsLogin, match="interrupted refresh"):
        source.token()
    assert house.sent == 2
    assert house.home().source(NAME).refresh().version == 1
    assert house.state() is State.IDLE
    assert house.sent == 3


def test_credentials_without_a_refresh_token_may_be_killed_anywhere(make_house: Callable[..., House]) -> None:
    """Client credentials: nothing is at stake, no intent is written, and the next worker just asks again."""
    for point in ("lease_taken", "refresh_started", "response_received", "token_parsed", "token_saved"):
        house = make_house()
        house.add(refresh_token=False, grant="client_credentials")
        worker = house.worker("crash", point)
        worker.go()
        worker.killed()
        assert house.credential().intent is None
        assert house.state() is State.IDLE
        assert house.home().source(NAME).token().version == 1
