from __future__ import annotations

import threading

import pytest

from vestal.core.clock import Clock, SystemClock
from vestal.testing.clock import FakeClock


def readings(clock: FakeClock) -> tuple[float, float]:
    return clock.now(), clock.steady()


def test_it_stands_still_until_it_is_moved() -> None:
    clock: Clock = FakeClock(1000.0, 50.0)
    assert (clock.now(), clock.steady()) == (1000.0, 50.0)
    assert (clock.now(), clock.steady()) == (1000.0, 50.0)


def test_time_passes_on_both_clocks() -> None:
    clock = FakeClock(1000.0, 50.0)
    clock.advance(10)
    assert readings(clock) == (1010.0, 60.0)


def test_sleep_moves_it() -> None:
    clock = FakeClock(1000.0, 50.0)
    clock.sleep(2.5)
    clock.sleep(-1)
    assert readings(clock) == (1002.5, 52.5)


def test_a_jump_moves_the_wall_clock_only() -> None:
    clock = FakeClock(1000.0, 50.0)
    clock.jump(3600)
    clock.jump(-7200)
    assert readings(clock) == (-2600.0, 50.0)


def test_a_suspended_machine() -> None:
    clock = FakeClock(1000.0, 50.0)
    clock.suspend(100)
    assert readings(clock) == (1100.0, 150.0)
    clock.suspend(100, steady_stops=True)
    assert readings(clock) == (1200.0, 150.0)


def test_time_does_not_pass_backwards() -> None:
    clock = FakeClock()
    with pytest.raises(ValueError, match="jump"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="jump"):
        clock.suspend(-1)


def test_sleepers_wake_up_when_their_time_has_come() -> None:
    clock = FakeClock(blocking=True)
    woken: list[float] = []

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        woken.append(seconds)

    threads = {seconds: threading.Thread(target=sleep, args=(seconds,)) for seconds in (1.0, 5.0, 5.0001)}
    for thread in threads.values():
        thread.start()
    clock.wait_for_sleepers(3)
    assert clock.sleepers == 3
    clock.advance(1)
    threads[1.0].join(10)
    assert woken == [1.0]
    clock.jump(1000)
    clock.suspend(1000)
    assert clock.sleepers == 2, "a sleeper counts neither jumps nor the time that the machine is suspended"
    clock.advance(4)
    threads[5.0].join(10)
    assert woken == [1.0, 5.0]
    clock.advance(1)
    threads[5.0001].join(10)
    assert woken == [1.0, 5.0, 5.0001]
    assert clock.sleepers == 0


def test_a_sleep_of_nothing_does_not_block() -> None:
    clock = FakeClock(blocking=True)
    clock.sleep(0)
    clock.sleep(-1)
    assert clock.sleepers == 0


def test_waiting_for_sleepers_that_do_not_come() -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        FakeClock(blocking=True).wait_for_sleepers(timeout=0.01)


def test_from_many_threads() -> None:
    clock = FakeClock(0.0, 0.0)

    def work() -> None:
        for _ in range(1000):
            clock.advance(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert readings(clock) == (4000.0, 4000.0)


def test_the_machines_clock_has_the_same_face() -> None:
    clock: Clock = SystemClock()
    before = clock.now(), clock.steady()
    clock.sleep(0.001)
    assert clock.steady() > before[1]
    assert clock.now() > 1.7e9
