from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.errors import ConfigError
from vestal.daemon.process.pid_file import PidFile, Running, myself, process_of

ME = myself(state="running", version="1.2.3", socket="/run/vestal.sock")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*asdict(ME), "other"]), inner),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    pid_file = PidFile(tmp_path / "home")
    with pid_file.hold():
        bounded = replace(ME, hosts=("a.example", "[fd00::1]"), at_once=7, per_provider=3, period=1.5)
        for running in (ME, replace(ME, tcp=("::1", 8378)), bounded):
            pid_file.write(running)
            assert pid_file.read() == running
            assert pid_file.running() == running
    assert pid_file.read() is None
    assert pid_file.running() is None


@given(
    JSON
    | st.text()
    | st.builds(lambda more: {**asdict(ME), **more}, st.dictionaries(st.sampled_from([*asdict(ME)]), JSON))
)
def test_whatever_is_in_the_file_is_no_daemon_or_a_whole_one(told: object) -> None:
    found = Running.parse(told if isinstance(told, str) else json.dumps(told))
    if found is not None:
        assert process_of(found) is None or found.pid == ME.pid
        assert found.url


def test_only_one_holds_it(tmp_path: Path) -> None:
    first, second = PidFile(tmp_path / "home"), PidFile(tmp_path / "home")
    with first.hold():
        first.write(ME)
        assert second.held()
        with pytest.raises(ConfigError, match=f"process {ME.pid} at unix:///run/vestal.sock"), second.hold():
            pass
        second.clear()
        assert first.read() == ME, "only a stale file is cleared"
    assert not second.held()
    with second.hold():
        pass


def test_looking_never_keeps_anybody_from_holding_it(tmp_path: Path) -> None:
    pid_file = PidFile(tmp_path / "home")
    with pid_file.hold():
        pass
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            pid_file.held()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with pid_file.hold():
                pass
    finally:
        done.set()
        looking.join()


def test_looking_makes_nothing(tmp_path: Path) -> None:
    pid_file = PidFile(tmp_path / "home")
    assert pid_file.running() is None
    pid_file.clear()
    assert list(tmp_path.iterdir()) == []


def test_a_process_of_another_time_is_another_process() -> None:
    found = process_of(ME)
    assert found is not None
    assert found.pid == ME.pid
    assert process_of(replace(ME, create_time=ME.create_time - 60)) is None
    assert process_of(replace(ME, pid=2**22 + 1)) is None


def test_that_of_a_version_which_knew_less_is_understood() -> None:
    """After an upgrade, `vestal restart` has to stop the old one."""
    told = asdict(ME)
    for name in ("hosts", "at_once", "per_provider", "period"):
        del told[name]
    assert Running.parse(json.dumps(told)) == ME


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::", "http://[::1]:1"),
        ("10.0.0.1", "http://10.0.0.1:1"),
        ("a.example", "http://a.example:1"),
    ],
)
def test_its_url_is_an_address_to_connect_to(host: str, url: str) -> None:
    running = replace(ME, tcp=(host, 1))
    assert running.url == url
    assert running.everywhere is (host in ("0.0.0.0", "::"))


def test_addresses() -> None:
    assert ME.url == "unix:///run/vestal.sock"
    assert replace(ME, tcp=("127.0.0.1", 8378)).url == "http://127.0.0.1:8378"
    assert replace(ME, tcp=("::1", 8378)).url == "http://[::1]:8378"
