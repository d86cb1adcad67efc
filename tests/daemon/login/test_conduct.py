"""Several logins at once, and how they end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.daemon.login.served import Daemon, browse, decide, free_port, in_background, threads, wait_for
from vestal.daemon.logins import AT_ONCE
from vestal.testing.practice import PracticeServer

# One at a time for each


@pytest.mark.parametrize("device", [False, True])
@pytest.mark.parametrize("own_port", [False, True])
def test_a_newer_login_replaces_the_older(
    daemon: Daemon, practice: PracticeServer, device: bool, own_port: bool
) -> None:
    daemon.add(**({"redirect_port": str(free_port())} if own_port else {}))
    practice.settings.device_interval = 600  # it is not the poll that ends it
    older = daemon.start(device=device)
    practice.settings.device_interval = 0.01
    newer = daemon.start()
    assert daemon.look(older)["state"] == "failed"
    assert daemon.failed(older)["detail"] == "replaced by a newer login"
    assert len(threads()) == 1 + own_port
    assert daemon.record().authorizing_until is not None
    if not device:
        with pytest.raises(httpx2.HTTPStatusError):
            browse(decide(older["address"])).raise_for_status()
    assert browse(decide(newer["address"])).status_code == 200
    assert daemon.ended(newer)["version"] == 1
    assert daemon.look(older)["state"] == "failed"


def test_an_answer_that_has_come_is_not_lost_to_a_newer_login(daemon: Daemon, practice: PracticeServer) -> None:
    daemon.add()
    older = daemon.start()
    practice.faults.add("token", "hang_before")
    back = decide(older["address"])
    page = in_background(lambda: browse(back))
    practice.held()
    with ThreadPoolExecutor() as pool:
        second = pool.submit(daemon.ask)
        wait_for(lambda: len(daemon.logins._conducts) == 2)
        third = pool.submit(daemon.ask)
        wait_for(lambda: len(daemon.logins._conducts) == 3)
        practice.faults.release()
        assert "You are logged in" in page.result(30).text
        assert second.result(30).status_code == 409
        assert "replaced" in second.result(30).json()["detail"]
        newest = third.result(30).json()
    assert daemon.ended(older)["version"] == 1
    assert browse(decide(newest["address"])).status_code == 200
    assert daemon.ended(newest)["version"] == 2


def test_several_at_once(daemon: Daemon) -> None:
    names = [daemon.add(f"mine/{number}") for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        logins = list(pool.map(daemon.start, names))
        pages = list(pool.map(lambda started: browse(decide(started["address"])), reversed(logins)))
    assert {page.status_code for page in pages} == {200}
    ended = [daemon.ended(started) for started in logins]
    assert [(told["name"], told["state"], told["version"]) for told in ended] == [(name, "done", 1) for name in names]
    tokens = {record.token.access_token for name in names if (record := daemon.record(name)).token is not None}
    assert len(tokens) == len(names)


def test_there_is_a_limit(daemon: Daemon) -> None:
    for number in range(AT_ONCE):
        daemon.start(daemon.add(f"mine/{number}"))
    refused = daemon.ask(daemon.add("late"))
    assert refused.status_code == 503
    assert "32 logins" in refused.json()["detail"]
    again = daemon.start("mine/0")  # one that takes another's place
    assert browse(decide(again["address"])).status_code == 200
    daemon.ended(again)
    wait_for(lambda: daemon.ask("late").status_code == 202)


# The end


@pytest.mark.parametrize("device", [False, True])
def test_the_daemon_drains_while_a_person_is_waited_for(daemon: Daemon, practice: PracticeServer, device: bool) -> None:
    practice.settings.device_interval = 600
    daemon.add()
    started = daemon.start(device=device)
    practice.settings.device_interval = 0.01
    daemon.house.drain()
    problem = daemon.failed(started)
    assert (problem["status"], problem["detail"]) == (503, "the daemon stops")
    daemon.logins.close()
    assert threads() == []
    assert daemon.record().authorizing_until is None
    assert daemon.ask().status_code == 503


def test_the_daemon_drains_while_an_answer_is_redeemed(daemon: Daemon, practice: PracticeServer) -> None:
    daemon.add()
    started = daemon.start()
    back = decide(started["address"])
    practice.faults.add("token", "hang_before")
    page = in_background(lambda: browse(back))
    practice.held()
    daemon.house.drain()
    practice.faults.release()
    assert "You are logged in" in page.result(30).text
    assert daemon.ended(started)["version"] == 1
