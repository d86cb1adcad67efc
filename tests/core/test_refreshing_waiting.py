"""Callers that wait for a refresh, give up, are cancelled, and come in herds."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading

import pytest

from tests.core.flights import Flights
from tests.core.house import NAME
from vestal.core.clock import SystemClock
from vestal.core.errors import NetworkError, TimedOut, VestalError
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
