"""Logins through a real daemon, at a real authorization server."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.daemon.login.served import (
    Daemon,
    browse,
    decide,
    free_port,
    in_background,
    logged,
    redirect_of,
    served,
    state_of,
    wait_for,
)
from vestal.core.events import Event
from vestal.daemon.login.answers import HELD
from vestal.oauth2.loopback import Loopback
from vestal.testing.practice import PracticeServer


def test_a_login_ends_with_a_fresh_token(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    daemon.add()
    started = daemon.start()
    assert redirect_of(started) == f"{daemon.url}/callback"
    assert started["user_code"] is None
    shown = daemon.client.get("/v1/credentials/mine").json()
    assert shown["state"] == "authorizing"
    back = decide(started["address"])
    page = browse(back)
    assert page.status_code == 200
    assert "You are logged in" in page.text
    assert page.headers["Refresh"] == f"2; url={daemon.url}/dashboard/credentials/mine"
    assert f'<a href="{daemon.url}/dashboard/credentials/mine">' in page.text
    assert "style-src 'sha256-" in page.headers["Content-Security-Policy"]
    assert daemon.ended(started) == {"id": started["id"], "name": "mine", "state": "done", "error": None, "version": 1}
    before = daemon.counts()
    token = daemon.client.post("/v1/credentials/mine/token").json()
    assert token["version"] == 1
    assert daemon.counts() == before
    assert daemon.record().authorizing_until is None
    told = logged(caplog)
    assert "login started credential=mine by=boss" in told
    assert "login finished credential=mine by=boss version=1" in told
    secrets = [state_of(started), urlsplit(back).query, token["access_token"]]
    assert [secret for secret in secrets if secret in told] == []


def test_a_name_with_slashes(daemon: Daemon) -> None:
    daemon.add("acme/me@example.com")
    started = daemon.start("acme/me@example.com")
    page = browse(decide(started["address"]))
    assert page.headers["Refresh"].endswith("/dashboard/credentials/acme/me%40example.com")
    assert daemon.ended(started)["state"] == "done"


def test_who_looks_on_hears_of_the_end_when_it_is_known(daemon: Daemon) -> None:
    seen: list[str] = []

    def look(event: Event) -> None:
        login = daemon.logins.latest(event.credential)
        seen.append("" if login is None else login.state)

    daemon.home.lifecycle.events.listen(look)
    daemon.add()
    started = daemon.start()
    browse(decide(started["address"], allow=False))
    wait_for(lambda: seen[-1:] == ["failed"])


def test_the_person_says_no(daemon: Daemon) -> None:
    daemon.add()
    started = daemon.start()
    before = daemon.counts()
    page = browse(decide(started["address"], allow=False))
    assert "You are not logged in" in page.text
    assert "was not allowed" in page.text
    assert "Start the login again and allow it" in page.text
    assert "Refresh" not in page.headers
    problem = daemon.failed(started)
    assert (problem["category"], problem["status"], problem["credential"]) == ("PERMISSION_DENIED", 424, "mine")
    assert daemon.counts() == before
    assert daemon.record().authorizing_until is None


def test_the_service_fails_at_the_last_step(daemon: Daemon, practice: PracticeServer) -> None:
    daemon.add()
    started = daemon.start()
    practice.faults.add("token", "cut_after")
    page = browse(decide(started["address"]))
    assert "You are not logged in" in page.text
    problem = daemon.failed(started)
    assert (problem["category"], problem["status"]) == ("NETWORK_ERROR", 502)
    assert browse(decide(daemon.start()["address"])).status_code == 200  # and it can be done again
    assert daemon.record().version == 1


def test_nobody_comes(tmp_path: Path, practice: PracticeServer) -> None:
    with served(tmp_path, practice, limit=0.05) as daemon:
        daemon.add()
        started = daemon.start()
        assert daemon.failed(started)["category"] == "TIMEOUT"
        late = browse(f"{daemon.url}/callback?state={state_of(started)}&code=late")
        assert late.status_code == 400


def test_the_browser_waits_for_the_end_and_nobody_else_does(daemon: Daemon, practice: PracticeServer) -> None:
    daemon.add()
    started = daemon.start()
    back = decide(started["address"])
    practice.faults.add("token", "hang_before")
    pages = [in_background(lambda: browse(back)) for _ in range(HELD)]
    practice.held()
    assert daemon.look(started)["state"] == "waiting"
    wait_for(lambda: daemon.logins._answers._held.total() == HELD)
    assert "Nearly done" in browse(back).text
    practice.faults.release()
    assert {"You are logged in" in page.result(30).text for page in pages} == {True}
    assert daemon.logins._answers._held.total() == 0
    assert daemon.record().version == 1


def test_a_browser_is_not_kept_for_ever(tmp_path: Path, practice: PracticeServer) -> None:
    with served(tmp_path, practice, hold=0.01) as daemon:
        daemon.add()
        started = daemon.start()
        practice.faults.add("token", "hang_before")
        page = browse(decide(started["address"]))
        assert "Nearly done" in page.text
        assert "The page where it began tells how it ends." in page.text
        practice.held()
        practice.faults.release()
        assert daemon.ended(started)["state"] == "done"


# Where the answer comes


def test_a_port_of_its_own(daemon: Daemon) -> None:
    port = free_port()
    daemon.add(redirect_port=str(port), redirect_path="/")
    started = daemon.start()
    assert redirect_of(started) == f"http://127.0.0.1:{port}/"
    page = browse(decide(started["address"]))
    assert "You are logged in" in page.text
    assert f'<a href="{daemon.url}/dashboard/credentials/mine">' in page.text
    assert daemon.ended(started)["state"] == "done"
    with Loopback(port):
        pass  # it is free again


def test_the_daemons_own_port_as_registered(daemon: Daemon) -> None:
    port = urlsplit(daemon.url).port
    for name, registered in (
        ("a", {"redirect_uri": f"http://localhost:{port}/callback"}),
        ("b", {"redirect_port": str(port)}),
    ):
        daemon.add(name, **registered)
        started = daemon.start(name)
        assert browse(decide(started["address"])).status_code == 200
        assert daemon.ended(started)["state"] == "done"


def test_behind_a_gateway(daemon: Daemon, practice: PracticeServer) -> None:
    public = "https://vestal.example.com/login/callback"
    practice.add_client("practice", secret="practice-secret", redirect_uris=[public])
    try:
        daemon.add(redirect_uri=public)
        started = daemon.start()
        assert redirect_of(started) == public
        back = decide(started["address"])
    finally:
        practice.add_client("practice", secret="practice-secret")
    assert back.startswith(f"{public}?")
    page = browse(f"{daemon.url}/login/callback?{urlsplit(back).query}")
    assert "You are logged in" in page.text
    assert page.headers["Refresh"] == "2; url=/dashboard/credentials/mine"
    assert daemon.ended(started)["state"] == "done"


def test_an_answer_that_leads_nowhere(daemon: Daemon) -> None:
    daemon.add(redirect_uri="https://vestal.example.com/elsewhere")
    answer = daemon.ask()
    assert answer.status_code == 422
    assert "/login/callback" in answer.json()["remedy"]
    assert daemon.record().authorizing_until is None


# With a code


def test_a_device_code(daemon: Daemon, practice: PracticeServer) -> None:
    daemon.add("one")
    daemon.add("two", grant="device_code")
    for started in (daemon.start("one", device=True), daemon.start("two")):
        code = started["user_code"]
        assert started["address"] == f"{practice.url}/device"
        assert started["address_with_code"] == f"{practice.url}/device?user_code={code}"
        practice.decide_device(code)
        assert daemon.ended(started)["version"] == 1


def test_a_device_that_is_refused(daemon: Daemon, practice: PracticeServer) -> None:
    daemon.add()
    started = daemon.start(device=True)
    practice.decide_device(started["user_code"], approved=False)
    assert daemon.failed(started)["category"] == "PERMISSION_DENIED"
