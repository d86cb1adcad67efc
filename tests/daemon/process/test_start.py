from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from dataclasses import replace

import psutil
import pytest

from tests.daemon.daemons import TINY, House, wait_for
from vestal.core.errors import Category, ConfigError
from vestal.daemon.process.health import healthy
from vestal.daemon.process.logs import log_file, log_folder
from vestal.daemon.process.pid_file import Running
from vestal.daemon.process.start import DidNotStart, Options
from vestal.daemon.process.status import status
from vestal.daemon.process.stop import stop
from vestal.home import Home
from vestal.stores.files import make_private_folder


def test_it_answers_when_it_has_started_and_is_out_of_the_terminals_reach(house: House) -> None:
    running = house.start()
    assert house.get("/healthz") == b"well"
    assert os.getsid(running.pid) == running.pid != os.getsid(0)
    process = psutil.Process(running.pid)
    assert process.cwd() == "/"
    assert process.terminal() is None


def test_nothing_that_it_makes_is_open_to_others(house: House) -> None:
    house.start()
    modes = {
        path.relative_to(house.folder).as_posix(): stat.S_IMODE(path.lstat().st_mode)
        for path in [house.folder, *house.folder.rglob("*")]
    }
    assert modes["run/vestal.sock"] == modes["logs/daemon.log"] == modes["logs/daemon-error.log"] == 0o600
    assert modes["run"] == modes["logs"] == modes["."] == 0o700
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == {}


def test_a_second_start_says_who_runs(house: House) -> None:
    running = house.start()
    with pytest.raises(ConfigError, match=f"process {running.pid} at unix://{house.socket}"):
        house.start()
    again = subprocess.run([sys.executable, TINY], env=house.environ, capture_output=True, text=True, timeout=60)
    assert again.returncode == 2
    assert f"process {running.pid}" in again.stderr
    assert house.get("/healthz") == b"well"


def test_of_two_starts_at_once_one_wins(house: House) -> None:
    won: list[Running] = []
    lost: list[Exception] = []
    together = threading.Barrier(2)

    def begin() -> None:
        together.wait()
        try:
            won.append(house.start())
        except (DidNotStart, ConfigError) as error:
            lost.append(error)

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == len(lost) == 1
    told = lost[0]
    log = "\n".join(told.log) if isinstance(told, DidNotStart) else str(told)
    assert "runs already" in log
    assert house.pid_file.running() == won[0]


def test_after_a_kill_it_starts_again(house: House) -> None:
    first = house.start()
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: not house.pid_file.held())
    assert house.socket.exists(), "the socket is stale"
    assert house.pid_file.path.exists(), "the pid file is stale"
    assert status(Home(house.folder)).status == "stopped"
    second = house.start()
    assert second.pid != first.pid
    assert house.get("/healthz") == b"well"


def test_a_failure_at_the_start_shows_why(house: House) -> None:
    (house.steer / "fail").touch()
    with pytest.raises(DidNotStart) as caught:
        house.start()
    assert "the tiny application fails" in "\n".join(caught.value.log)
    assert house.pid_file.running() is None
    assert not house.socket.exists()


def test_a_port_that_is_taken_is_named(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DidNotStart) as caught:
            house.start(options=Options(tcp=("127.0.0.1", port)))
    assert caught.value.error.category is Category.CONFIG_ERROR
    assert f"can't listen at 127.0.0.1:{port}: Address already in use" in "\n".join(caught.value.log)


def test_only_what_this_start_said_is_shown(house: House) -> None:
    (house.steer / "fail").touch()
    with pytest.raises(DidNotStart):
        house.start()
    with pytest.raises(DidNotStart) as caught:
        house.start("--no-such-option")
    assert "the tiny application fails" not in "\n".join(caught.value.log)


def test_one_that_does_not_answer_in_time_is_stopped(house: House) -> None:
    (house.steer / "hang").touch()
    make_private_folder(log_folder(house.folder))
    log_file(house.folder).write_text("INFO of the one before\n")
    with pytest.raises(DidNotStart) as caught:
        house.start(timeout=2.0)
    assert caught.value.error.category is Category.TIMEOUT
    assert not any("the one before" in line for line in caught.value.log)
    assert house.pid_file.running() is None


def test_it_listens_for_tcp_only_when_told_to(house: House) -> None:
    running = house.start()
    assert running.tcp is None
    assert [each.laddr for each in psutil.Process(running.pid).net_connections("inet")] == []
    stop(house.folder)
    running = house.start(options=Options(tcp=("127.0.0.1", 0)))
    assert running.tcp is not None
    assert running.url == f"http://127.0.0.1:{running.tcp[1]}"
    listened = psutil.Process(running.pid).net_connections("inet")
    assert [tuple(each.laddr) for each in listened] == [running.tcp]


def test_options_as_arguments() -> None:
    assert Options().arguments() == []
    options = Options("/s", ("::1", 80), "debug", ("a", "[::1]"), at_once=1, per_provider=2, period=31_536_000.5)
    assert options.arguments() == [
        *("--log-level=debug", "--socket=/s", "--tcp=[::1]:80", "--at-once=1", "--per-provider=2"),
        *("--period=31536000.5", "--host-name=a", "--host-name=[::1]"),
    ]


def test_options_are_taken_over_where_none_are_given(house: House) -> None:
    options = Options(tcp=("127.0.0.1", 0), hosts=("a.example",), at_once=5, per_provider=4, period=60.0)
    before = Options.of(house.start(options=options))
    assert (before.hosts, before.at_once, before.per_provider, before.period) == (("a.example",), 5, 4, 60.0)
    assert Options().over(before) == before
    assert Options(hosts=("b",), period=1.0).over(before) == replace(before, hosts=("b",), period=1.0)
    assert before.over(Options()) == before


def test_health_is_that_of_the_one_who_answers(house: House) -> None:
    assert not healthy(str(house.socket))
    house.start()
    assert healthy(str(house.socket))


def test_a_home_too_deep_for_a_socket(house: House) -> None:
    deep = House(house.steer)
    deep.folder = deep.folder.joinpath(*["deep"] * 30)
    deep.pid_file = type(deep.pid_file)(deep.folder)
    try:
        running = deep.start()
        assert len(running.socket) < 100
        assert deep.get("/healthz") == b"well"
        assert stat.S_IMODE(deep.socket.parent.stat().st_mode) == 0o700
    finally:
        stop(deep.folder)
        deep.socket.parent.rmdir()
