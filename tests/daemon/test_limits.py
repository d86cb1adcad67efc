from __future__ import annotations

from vestal.daemon.limits import FailedKeys


def test_patience_is_asked_for_after_some() -> None:
    failed = FailedKeys(2, 60.0)
    assert failed.failed("a", 0.0) is None
    assert failed.failed("a", 10.0) is None
    assert failed.failed("a", 20.0) == 40.0
    assert failed.failed("b", 20.0) is None
    assert failed.failed("a", 60.0) is None
    assert failed.failed("a", 60.0) == 10.0


def test_addresses_are_bounded() -> None:
    failed = FailedKeys(1, 60.0)
    for number in range(failed.ADDRESSES + 1):
        failed.failed(str(number), 0.0)
    assert failed.failed("0", 1.0) is None  # forgotten
    assert failed.failed(str(failed.ADDRESSES), 1.0) == 59.0
