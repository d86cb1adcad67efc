"""What comes to the daemon's own addresses and is no answer, or one too many."""

from __future__ import annotations

import logging
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.daemon.login.served import Daemon, browse, decide, logged, state_of


def test_a_forged_state_ends_nothing(daemon: Daemon, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    daemon.add()
    started = daemon.start()
    state = state_of(started)
    for query in (
        "state=guess&code=canary",
        "",
        "error=access_denied",
        f"code=canary&state={state}&state={state}",
        f"{'a=canary&' * 100}state={state}",
        f"State={state}",
    ):
        for path in ("/callback", "/login/callback"):
            page = browse(f"{daemon.url}{path}?{query}")
            assert page.status_code == 400
            assert "No login waits for this" in page.text
            assert "canary" not in page.text
    assert daemon.look(started)["state"] == "waiting"
    assert "an answer to no login was turned away from=127.0.0.1" in caplog.text
    assert "canary" not in logged(caplog)
    assert browse(decide(started["address"])).status_code == 200
    assert daemon.ended(started)["state"] == "done"


def test_an_answer_counts_once(daemon: Daemon) -> None:
    daemon.add()
    started = daemon.start()
    back = decide(started["address"])
    assert browse(back).status_code == 200
    before = daemon.counts()
    assert browse(back).status_code == 400
    assert daemon.counts() == before
    assert daemon.ended(started)["state"] == "done"


NAMES = st.sampled_from(["state", "code", "error", "iss", "error_description"]) | st.text(max_size=5)
QUERIES = st.lists(st.tuples(NAMES, st.text(max_size=30)), max_size=8).map(urlencode) | st.binary(max_size=60).map(
    lambda raw: "".join(f"%{byte:02x}" if byte % 3 else chr(byte % 94 + 33) for byte in raw)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERIES, path=st.sampled_from(["/callback", "/login/callback"]))
def test_whatever_comes_ends_nobodys_login(daemon: Daemon, query: str, path: str) -> None:
    for name in ("a", "b"):
        if daemon.logins.latest(name) is None:
            daemon.start(daemon.add(name))
    query = query.replace("#", "%23")
    assert browse(f"{daemon.url}{path}?{query}").status_code == 400
    for name in ("a", "b"):
        login = daemon.logins.latest(name)
        assert login is not None
        assert login.state == "waiting"
