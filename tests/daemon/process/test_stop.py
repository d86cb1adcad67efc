from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace

from tests.daemon.daemons import House, read_all, wait_for
from vestal.core.errors import ConfigError
from vestal.daemon.process.pid_file import myself
from vestal.daemon.process.stop import stop


def test_what_was_begun_is_finished(house: House) -> None:
    running = house.start()
    with house.ask("/slow") as asked:
        house.wait_for_file("began")
        os.kill(running.pid, signal.SIGTERM)
        wait_for(lambda: house.state() == "stopping")
        wait_for(lambda: not connects(house))
        (house.steer / "go").touch()
        assert b"done" in read_all(asked)
    wait_for(lambda: not house.pid_file.held())
    assert not house.socket.exists()
    assert not house.pid_file.path.exists()


def test_the_first_signal_ends_well_and_the_second_at_once(house: House) -> None:
    with house.foreground() as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    with house.foreground("--drain=600") as process, house.ask("/slow") as asked:
        house.wait_for_file("began")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: house.state() == "stopping")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert read_all(asked) == b""
    assert not house.socket.exists()
    assert not house.pid_file.path.exists()


def test_requests_that_do_not_end_are_cancelled(house: House) -> None:
    with house.foreground("--drain=1") as process, house.ask("/slow") as asked:
        house.wait_for_file("began")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert b"done" not in read_all(asked)


def test_a_stream_of_events_holds_nothing_up(house: House) -> None:
    with house.foreground("--drain=600") as process, house.ask("/events") as asked:
        begun = asked.recv(65536)
        while b"data: hello" not in begun:
            begun += asked.recv(65536)
        process.send_signal(signal.SIGTERM)
        assert read_all(asked).endswith(b"0\r\n\r\n"), "the client sees a proper end"
        assert process.wait(30) == 0
    assert (house.steer / "left").exists(), "the application is told"


def test_one_that_does_not_end_is_killed(house: House) -> None:
    running = house.start("--drain=600")
    with house.ask("/slow"):
        house.wait_for_file("began")
        stopped = stop(house.folder, timeout=0.5)
    assert stopped is not None
    assert stopped.running.pid == running.pid
    assert stopped.killed
    assert house.pid_file.running() is None
    assert not house.pid_file.path.exists()


def test_where_none_runs_there_is_nothing_to_do(house: House) -> None:
    assert stop(house.folder) is None


def test_the_process_that_got_the_number_of_a_dead_daemon_is_left_alone(house: House) -> None:
    house.start()
    stop(house.folder)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        stale = replace(myself(state="running", version="1", socket="/s"), pid=stranger.pid)
        house.pid_file.write(stale)
        assert stop(house.folder) is None
        assert stranger.poll() is None
        assert not house.pid_file.path.exists()
        stranger.communicate(b"\n")
        assert stranger.returncode == 0


def test_nobody_is_signalled_for_a_daemon_that_can_not_be_told(house: House) -> None:
    with house.foreground() as process, subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1) as stranger:
        told = house.pid_file.read()
        assert told is not None
        house.pid_file.write(replace(told, pid=stranger.pid, create_time=told.create_time - 3600))
        try:
            stop(house.folder)
            raise AssertionError("it stopped something")
        except ConfigError as error:
            assert "does not name it" in error.message
        assert process.poll() is None
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def connects(house: House) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(house.socket)) == 0
