from __future__ import annotations

import os
import signal

from tests.daemon.daemons import House, wait_for
from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.daemon.process.status import Status, credentials_by_state, status
from vestal.home import Home
from vestal.stores.record import Record


def seen(house: House) -> Status:
    return status(Home(house.folder), look=0.01)


def test_a_life(house: House) -> None:
    assert seen(house) == Status("stopped")
    (house.steer / "hang").touch()
    with house.foreground_at_once():
        wait_for(lambda: house.state() == "starting")
        assert seen(house).status == "starting"
        (house.steer / "hang").unlink()
        wait_for(lambda: seen(house).status == "running")
        found = seen(house)
        assert found.socket == str(house.socket)
        assert found.url == f"unix://{house.socket}"
        assert found.memory_mb is not None
        assert found.memory_mb > 10
        assert found.pid is not None
        with house.ask("/slow"):
            house.wait_for_file("began")
            os.kill(found.pid, signal.SIGTERM)
            wait_for(lambda: seen(house).status == "stopping")
            (house.steer / "go").touch()
        wait_for(lambda: seen(house).status == "stopped")


def test_one_that_hangs_is_not_called_running(house: House) -> None:
    pid = house.start().pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert seen(house).status == "unresponsive"
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: seen(house).status == "running")


def test_uptime_as_scripts_read_it() -> None:
    assert Status("stopped").uptime is None
    assert Status("running", uptime_seconds=3725.9).uptime == "62m 5s"
    assert Status("running", uptime_seconds=3725.9).as_json()["uptime_seconds"] == 3725


def test_credentials_are_counted_by_state(house: House) -> None:
    home = Home(house.folder)
    assert credentials_by_state(home) == {}
    assert not house.folder.exists(), "nothing is made by looking"
    app = App(provider="custom", client_id="x", settings={"token_url": "https://example.org/token"})
    for name in ("a", "b"):
        home.store.save(Credential(name=name, app=app))
    home.store.save(Credential(name="c", app=App(provider="custom", client_id="x", grant="client_credentials")))
    assert credentials_by_state(home) == {"needs_login": 2, "idle": 1}
    home.close()


def test_counting_tells_what_only_a_look_inside_can(house: House) -> None:
    home = Home(house.folder)
    app = App(provider="custom", client_id="x", settings={"token_url": "https://example.org/token"})
    home.add("fresh", app, Secret("rt"))
    home.add("waits-for-login", app)
    assert credentials_by_state(home) == {"idle": 1, "needs_login": 1}
    home.close()


def test_a_record_that_cannot_be_read_is_counted(house: House) -> None:
    home = Home(house.folder)
    home.store.backend.put(Record("a", 1, 0, "{}", b"sealed"))
    assert credentials_by_state(home) == {"error": 1}
    home.close()
