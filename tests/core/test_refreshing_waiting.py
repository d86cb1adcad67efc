"""Callers that wait for a refresh, give up, are cancelled, and come in herds."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.core.flights import Flights, landed
from tests.core.house import HOUR, NAME
from vestal.core.clock import SystemClock
from vestal.core.errors import NeedsLogin, NetworkError, TimedOut, VestalError
from vestal.core.events import Kind
from vestal.core.refreshing import RefreshingSource
from vestal.core.token import Token
from vestal.testing.clock import FakeClock

DOWN = NetworkError("down", credential=NAME)


class RealTime(FakeClock):
    """The fake clock's interface with the machine's time, for callers that really wait."""

    now = staticmethod(SystemClock.now)
    steady = staticmethod(SystemClock.steady)


# Giving up


def test_a_caller_gives_up_at_its_deadline_and_the_refresh_goes_on() -> None:
    flights = Flights(clock=RealTime(), held=True)
    source = flights.source(deadline=0.05)
    with pytest.raises(TimedOut) as caught:
        source.token()
    assert caught.value.passing
    assert caught.value.credential == NAME
    assert caught.value.__cause__ is None
    flights.land()
    assert source.token().version == 1
    assert len(flights.demands) == 1


async def test_a_task_gives_up_at_its_deadline_and_the_refresh_goes_on() -> None:
    flights = Flights(clock=RealTime(), held=True)
    source = flights.source(deadline=0.05)
    with pytest.raises(TimedOut):
        await source.atoken()
    flights.land()
    assert (await source.atoken()).version == 1
    assert len(flights.demands) == 1


def test_a_person_gives_up_at_the_deadline_too() -> None:
    flights = Flights(clock=RealTime(), held=True)
    source = flights.source(deadline=0.05)
    with pytest.raises(TimedOut):
        source.refresh()
    flights.land()


def test_a_refresh_that_hangs_counts_as_failing_for_those_who_hold_a_valid_token() -> None:
    flights = Flights()
    source = flights.source(patience=0.02)
    source.token()
    flights.held = True
    flights.clock.advance(3300)

    def time_passes() -> None:
        flights.wait_for_takeoff()
        flights.clock.advance(1)

    flights.wait_for_takeoff()  # the first one's
    other = threading.Thread(target=time_passes)
    other.start()
    assert source.token().version == 1
    other.join()
    assert source.token().version == 1
    flights.clock.advance(299)
    assert source.peek() is None, "expired: now there is nothing to do but wait"
    flights.land()
    assert source.token().version == 2
    assert len(flights.demands) == 2


async def test_a_cancelled_task_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    flights = Flights(held=True)
    source = flights.source()
    tasks = [asyncio.create_task(source.atoken()) for _ in range(10)]
    await asyncio.to_thread(flights.wait_for_takeoff)
    for task in tasks[:9]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks[:9], return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    flights.landing.release()
    assert (await tasks[9]).version == 1
    assert len(flights.demands) == 1
    del tasks, outcomes
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []
    assert caplog.records == []


@pytest.mark.parametrize("trouble", [None, DOWN])
async def test_when_all_have_been_cancelled_the_result_is_kept(
    trouble: VestalError | None, caplog: pytest.LogCaptureFixture
) -> None:
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    flights = Flights(held=True, trouble=trouble)
    source = flights.source()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await source.atoken()
    await asyncio.to_thread(flights.land)
    gc.collect()
    await asyncio.sleep(0)
    flights.held = False
    if trouble is None:
        assert (await source.atoken()).version == 1
        assert len(flights.demands) == 1
    assert complaints == []
    assert caplog.records == []


def test_a_loop_that_is_closed_meanwhile_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    flights = Flights(held=True)
    source = flights.source()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await source.atoken()

    asyncio.run(give_up())
    flights.land()
    assert source.token().version == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_interrupt_in_a_waiting_thread_stops_nothing() -> None:
    flights = Flights(held=True)
    source = flights.source()

    def interrupt() -> None:
        flights.wait_for_takeoff()
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        source.token()
    other.join()
    flights.land()
    assert source.token().version == 1
    assert len(flights.demands) == 1


def test_a_worker_that_is_killed_in_its_thread_does_not_leave_callers_waiting() -> None:
    flights = Flights(trouble=SystemExit())
    source = flights.source(deadline=30)
    with pytest.raises(VestalError, match="SystemExit"):
        source.token()
    flights.trouble = None
    flights.clock.advance(1)
    assert source.token().version == 1


# Herds


class Herd:
    """Threads and tasks that all ask at once."""

    def __init__(self, source: RefreshingSource, newer_than: int | None = None) -> None:
        self.source = source
        self.newer_than = newer_than
        self.got: list[Token] = []
        self.failed: list[VestalError] = []

    def ask(self, gate: threading.Event) -> None:
        gate.wait()
        try:
            self.got.append(self.source.token(self.newer_than))
        except VestalError as error:
            self.failed.append(error)

    async def aask(self) -> None:
        try:
            self.got.append(await self.source.atoken(self.newer_than))
        except VestalError as error:
            self.failed.append(error)

    async def atogether(self, count: int) -> None:
        await asyncio.gather(*[self.aask() for _ in range(count)])

    def run(self, threads: int, tasks: int) -> None:
        gate = threading.Event()
        size = threading.stack_size(256 * 1024)
        all_threads = [threading.Thread(target=self.ask, args=(gate,)) for _ in range(threads)]
        for thread in all_threads:
            thread.start()
        threading.stack_size(size)
        gate.set()
        asyncio.run(self.atogether(tasks))
        for thread in all_threads:
            thread.join()


@pytest.mark.parametrize("newer_than", [None, 1])
def test_a_thousand_threads_and_a_thousand_tasks_cause_one_refresh(newer_than: int | None) -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    if newer_than is None:
        flights.clock.advance(HOUR)
    herd = Herd(source, newer_than)
    herd.run(1000, 1000)
    assert herd.failed == []
    assert Counter(token.version for token in herd.got) == {2: 2000}
    assert len(flights.demands) == 2


@pytest.mark.parametrize("trouble", [DOWN, NeedsLogin("refused", credential=NAME)])
def test_if_it_fails_all_get_the_error_and_there_is_one_attempt_for_each_hold_off(trouble: VestalError) -> None:
    flights = Flights(trouble=trouble)
    source = flights.source()
    for attempt in (1, 2):
        herd = Herd(source)
        herd.run(300, 300)
        assert herd.got == []
        assert Counter(type(error) for error in herd.failed) == {type(trouble): 600}
        assert len({id(error) for error in herd.failed}) == 600, "each has an error of its own"
        assert len(flights.demands) == attempt
        flights.clock.advance(1)


async def test_a_thousand_tasks_start_one_thread() -> None:
    flights = Flights(held=True)
    source = flights.source()
    before = threading.active_count()
    tasks = [asyncio.create_task(source.atoken()) for _ in range(1000)]
    await asyncio.to_thread(flights.wait_for_takeoff)
    threads = threading.active_count() - before
    flights.landing.release()
    versions = {token.version for token in await asyncio.gather(*tasks)}
    assert versions == {1}
    assert threads <= 2, "the refresh, and this test's own to_thread"


async def test_threads_and_tasks_wait_for_the_same_refresh() -> None:
    flights = Flights(held=True)
    source = flights.source()
    task = asyncio.create_task(source.atoken())
    await asyncio.to_thread(flights.wait_for_takeoff)
    thread = asyncio.create_task(asyncio.to_thread(source.token))
    await asyncio.sleep(0.01)
    flights.landing.release()
    assert (await task) is (await thread)
    assert len(flights.demands) == 1


def test_in_trouble_the_herd_is_served_the_valid_token_and_one_event_tells_it() -> None:
    flights = Flights()
    source = flights.source()
    source.token()
    flights.clock.advance(3300)
    flights.trouble = DOWN
    herd = Herd(source)
    herd.run(200, 200)
    assert len(herd.got) == 400
    assert flights.kinds().count(Kind.STALE_SERVED) == 1


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
