"""Secondary limits in a row."""

from __future__ import annotations

from vestal.services.github.strikes import Strikes


def test_only_what_was_sent_later_is_a_further_one() -> None:
    strikes = Strikes()
    assert strikes.strike("a", sent_at=10.0, now=12.0) == 1
    assert strikes.strike("a", sent_at=11.0, now=13.0) == 1
    assert strikes.strike("b", sent_at=11.0, now=13.0) == 1
    assert strikes.strike("a", sent_at=80.0, now=81.0) == 2


def test_only_what_was_sent_later_shows_that_it_is_over() -> None:
    strikes = Strikes()
    strikes.strike("a", sent_at=10.0, now=12.0)
    strikes.forgive("a", sent_at=11.0)
    assert strikes.strike("a", sent_at=80.0, now=81.0) == 2
    strikes.forgive("a", sent_at=150.0)
    strikes.forgive("b", sent_at=150.0)
    assert strikes.strike("a", sent_at=151.0, now=152.0) == 1


def test_a_fork_leaves_no_lock_behind() -> None:
    strikes = Strikes()
    strikes._lock.acquire()
    strikes.in_child()
    assert strikes.strike("a", sent_at=10.0, now=12.0) == 1
