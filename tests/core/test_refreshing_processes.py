"""The source in processes that fork and that end."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from tests.core.flights import landed

# The end of the interpreter


def run(script: str) -> str:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""
    return done.stdout


EXIT = """
import atexit
from tests.core.flights import Flights
flights = Flights()
source = flights.source()
source.token()
"""


def test_an_interpreter_that_exits_waits_for_the_refresh() -> None:
    said = run(
        EXIT
        + """
import time
flights.while_flying = lambda: time.sleep(0.1) or print("refreshed")
flights.clock.advance(3000)
source.token()
"""
    )
    assert said == "refreshed\n"


def test_a_good_token_is_given_even_when_no_thread_can_be_started_any_more() -> None:
    said = run(
        EXIT
        + """
flights.clock.advance(3000)
atexit.register(lambda: print(source.token().version))
"""
    )
    assert said == "1\n"


def test_the_last_thread_is_gone_when_a_test_ends() -> None:
    landed()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vestal refresh")]


# Forks

FORK = """
import os, threading, time, warnings
from tests.core.flights import Flights, landed
warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads may deadlock, says Python: that is tested here

def in_child(work):
    child = os.fork()
    if child == 0:
        print(work(), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

flights = Flights(held=True)
source = flights.source(deadline=10)
"""


def test_a_child_of_a_fork_in_the_middle_of_a_refresh_refreshes_for_itself() -> None:
    said = run(
        FORK
        + """
waiting = threading.Thread(target=lambda: print("parent", source.token().version, flush=True))
waiting.start()
flights.wait_for_takeoff()

def child():
    flights.held = False
    return f"child {source.token().version} {source.refresh().version}"

in_child(child)
flights.land()
waiting.join()
"""
    )
    assert said == "child 1 2\nparent 1\n"


def test_a_child_of_a_fork_while_others_hold_the_lock_is_not_stuck() -> None:
    said = run(
        FORK
        + """
flights.held = False
source.token()
with source._lock:
    in_child(lambda: source.token(newer_than=1).version)
print(source.token(newer_than=1).version)
"""
    )
    assert said == "2\n2\n"


def test_a_child_keeps_the_token_of_its_parent() -> None:
    said = run(
        FORK + "flights.held = False; source.token(); in_child(lambda: (source.token().version, len(flights.demands)))"
    )
    assert said == "(1, 1)\n"
