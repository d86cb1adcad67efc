"""The refresher: every credential is fresh before anybody asks, and nothing is sent that need not be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.daemon.crowd import HOUR, Crowd
from vestal.core.credential import Intent, LastError
from vestal.core.events import Kind
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.testing.clock import FakeClock


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.refresher.stop()


def test_a_token_is_refreshed_before_its_last_ten_minutes_without_anybody_asking(crowd: Crowd) -> None:
    crowd.add("acme")
    crowd.run(HOUR - 700)
    assert crowd.service.asked == 0
    crowd.run(100)
    assert crowd.service.asked == 1
    assert crowd.stored("acme").version == 2
    assert crowd.home.peek("acme") is None, "nobody asked: there is no source"
    crowd.run(10 * HOUR)
    assert 11 <= crowd.service.asked <= 13
    assert set(crowd.service.redeemed.values()) == {1}


def test_the_server_s_own_hint_counts(crowd: Crowd) -> None:
    crowd.service.more = {"refresh_in": 1200}
    crowd.add("acme", age=HOUR - 600)
    crowd.run(1)
    assert crowd.service.asked == 1
    crowd.run(1190)
    assert crowd.service.asked == 1
    crowd.run(30)
    assert crowd.service.asked == 2


def test_a_server_whose_tokens_do_not_live_is_not_stormed(crowd: Crowd) -> None:
    crowd.service.lifetime = 0.01
    crowd.add("acme", age=HOUR)
    crowd.run(60)
    assert 1 < crowd.service.asked <= 60


def test_what_is_added_changed_and_removed_elsewhere_is_seen_within_a_period(crowd: Crowd) -> None:
    crowd.run(1)
    crowd.add("new", age=HOUR)
    crowd.run(31)
    assert crowd.stored("new").version == 2
    crowd.home.store.delete("new")
    crowd.run(31)
    assert crowd.refresher.status().credentials == 0
    crowd.run(HOUR)
    assert crowd.service.asked == 1


def test_what_another_process_has_refreshed_is_not_refreshed_again(crowd: Crowd) -> None:
    crowd.add("acme", age=HOUR / 2)
    crowd.run(1)
    now = crowd.clock.now()
    crowd.edit("acme", version=2, token=Token(Secret("at-9"), version=2, issued_at=now, expires_at=now + HOUR))
    crowd.run(HOUR / 2)
    assert crowd.service.asked == 0


def test_a_change_that_no_look_has_seen_yet_is_seen_before_anything_is_sent() -> None:
    crowd = Crowd(period=1e6)
    crowd.add("acme", age=HOUR / 2)
    crowd.run(1)
    now = crowd.clock.now()
    crowd.edit("acme", version=2, token=Token(Secret("at-9"), version=2, issued_at=now, expires_at=now + HOUR))
    crowd.run(HOUR / 2)
    assert crowd.service.asked == 0
    crowd.run(HOUR / 2)
    assert crowd.service.asked == 1


def test_nothing_is_done_for_what_needs_a_login_until_somebody_logs_in(crowd: Crowd) -> None:
    error = LastError(category="NEEDS_LOGIN", message="refused", at=crowd.clock.now(), reason="refused")
    crowd.add("acme", age=HOUR, last_error=error)
    before = crowd.stored("acme")
    crowd.run(HOUR)
    assert crowd.service.asked == 0
    assert crowd.stored("acme") == before
    assert crowd.refresher.status().holds == {"needs_login": 1}
    crowd.edit("acme", last_error=None, refresh_token=Secret("rt-again"))  # by another process
    crowd.run(31)
    assert crowd.service.redeemed == {"rt-again": 1}


def test_nothing_is_noted_for_what_nobody_has_logged_in_to_yet(crowd: Crowd) -> None:
    crowd.add("acme", age=None, grant="authorization_code")
    before = crowd.stored("acme")
    crowd.run(HOUR)
    assert crowd.stored("acme") == before
    assert crowd.refresher.status().holds == {"needs_login": 1}


def test_what_is_held_off_waits_for_its_time(crowd: Crowd) -> None:
    now = crowd.clock.now()
    error = LastError(category="HTTP_ERROR", message="busy", at=now, passing=True, retry_at=now + 900)
    crowd.add("acme", age=HOUR, last_error=error)
    crowd.run(899)
    assert crowd.service.asked == 0
    crowd.run(60)
    assert crowd.service.asked == 1


def test_a_refresh_that_was_cut_off_is_finished_at_once(crowd: Crowd) -> None:
    note = Intent(fingerprint=Secret("rt-acme").fingerprint(), at=crowd.clock.now(), version=1, holder="a dead one")
    crowd.add("acme", intent=note)
    crowd.run(1)
    assert crowd.stored("acme").version == 2
    assert crowd.stored("acme").intent is None


def test_one_that_somebody_else_is_at_costs_no_place(crowd: Crowd) -> None:
    crowd.add("acme", age=HOUR)
    with crowd.home.store.lease("acme", 0):
        crowd.run(10)
        assert crowd.service.asked == 0
    crowd.run(10)
    assert crowd.service.asked == 1


def test_a_client_that_the_service_refused_is_not_sent_again_at_once(crowd: Crowd) -> None:
    crowd.service.status["a.test"] = 401
    crowd.add("acme", age=HOUR)
    crowd.run(HOUR / 2)
    assert crowd.service.asked == 1
    assert crowd.refresher.status().holds == {"refused": 1}


def test_what_costs_nothing_to_mint_is_kept_fresh_for_three_lifetimes_and_then_left_until_asked_for(
    crowd: Crowd,
) -> None:
    crowd.add("idle", grant="client_credentials")
    crowd.add("never", grant="client_credentials", age=None)
    crowd.run(20 * HOUR)
    assert 2 <= crowd.service.asked <= 4
    assert crowd.refresher.status().holds == {"on_demand": 2}
    crowd.home.token("idle")
    asked = crowd.service.asked
    crowd.run(2 * HOUR)
    assert crowd.service.asked >= asked + 2


def test_what_is_asked_for_is_kept_fresh_for_good(crowd: Crowd) -> None:
    crowd.add("busy", grant="client_credentials")
    for _ in range(20):
        crowd.home.token("busy")
        crowd.run(HOUR / 2)
    assert crowd.service.asked >= 10


def test_a_crowd_that_became_due_in_its_sleep_goes_out_a_few_at_a_time(crowd: Crowd) -> None:
    for number in range(200):
        crowd.add(f"user/{number}")
    crowd.run(1)
    crowd.clock.suspend(8 * HOUR, steady_stops=True)
    crowd.turn()
    assert crowd.service.asked == 0, "spread by chance, not at the moment of waking up"
    crowd.run(31)
    assert crowd.service.asked == 200
    assert crowd.service.most[""] <= 8


@pytest.mark.parametrize("steady_stops", [True, False])
def test_a_token_that_expired_in_its_sleep_is_refreshed(crowd: Crowd, *, steady_stops: bool) -> None:
    crowd.add("acme")
    crowd.run(1)
    crowd.clock.suspend(8 * HOUR, steady_stops=steady_stops)
    crowd.run(5)
    assert crowd.service.asked == 1


def test_a_clock_that_is_set_back_puts_nothing_off(crowd: Crowd) -> None:
    crowd.add("acme")
    crowd.run(1)
    crowd.clock.jump(-24 * HOUR)
    crowd.run(HOUR)
    assert crowd.service.asked == 1
    crowd.run(HOUR)
    assert 2 <= crowd.service.asked <= 3


def test_a_clock_that_is_set_forward_costs_one_refresh(crowd: Crowd) -> None:
    crowd.add("acme")
    crowd.run(1)
    crowd.clock.jump(24 * HOUR)
    crowd.run(60)
    assert crowd.service.asked == 1


def test_a_provider_that_hangs_holds_up_nobody_else() -> None:
    crowd = Crowd(at_once=6, per_provider=2)
    for number in range(20):
        crowd.add(f"slow/{number}", host="slow.test", age=HOUR - 400)
        crowd.add(f"good/{number}", host="good.test", age=HOUR - 400)
    go_on = crowd.service.hanging["slow.test"] = threading.Event()
    clean = threading.Event()
    crowd.home.lifecycle.events.listen(
        lambda event: clean.set() if event.kind is Kind.REFRESHED and crowd.service.by_host["good.test"] == 20 else None
    )
    for _ in range(6):  # the late ones are spread over 2 s
        crowd.refresher.turn()
        crowd.clock.advance(1)
    assert clean.wait(20)
    status = crowd.refresher.status()
    assert (status.running, status.waiting) >= (2, 18)
    assert crowd.service.by_host["slow.test"] == 2
    go_on.set()
    assert crowd.refresher.settle()
    crowd.run(60)
    assert crowd.service.by_host["slow.test"] == 20
    assert crowd.service.most["slow.test"] == 2


def test_a_service_that_asks_to_be_left_alone_is(crowd: Crowd) -> None:
    for number in range(50):
        crowd.add(f"user/{number}", age=HOUR - 400)
    crowd.service.status["a.test"] = 429
    crowd.run(50)
    assert 1 <= crowd.service.asked <= 8, "those that were under way, and no more"
    assert crowd.refresher.status().resting
    del crowd.service.status["a.test"]
    crowd.run(300)
    assert {crowd.stored(f"user/{number}").version for number in range(50)} == {2}


def test_it_stops_and_what_is_under_way_is_saved() -> None:
    crowd = Crowd()
    crowd.refresher = type(crowd.refresher)(crowd.home, random=lambda: 0.0)
    crowd.add("acme", age=HOUR)
    go_on = crowd.service.hanging["a.test"] = threading.Event()
    asked = threading.Event()
    crowd.home.lifecycle.events.listen(lambda event: asked.set() if event.kind is Kind.INTENT_SAVED else None)
    crowd.refresher.start()
    assert asked.wait(10)
    assert not crowd.refresher.stop(timeout=0.05)
    go_on.set()
    assert crowd.refresher.stop()
    assert crowd.stored("acme").version == 2
    assert crowd.refresher.status().running == 0


def test_a_login_in_this_process_is_seen_without_a_look_at_the_store() -> None:
    crowd = Crowd(period=1e6)
    error = LastError(category="NEEDS_LOGIN", message="refused", at=crowd.clock.now(), reason="refused")
    crowd.add("acme", age=HOUR, last_error=error)
    done = threading.Event()
    crowd.home.lifecycle.events.listen(lambda event: done.set() if event.kind is Kind.REFRESHED else None)
    crowd.refresher.start()
    try:
        while crowd.refresher.status().last_look is None:
            threading.Event().wait(0.01)
        crowd.home.lifecycle.update("acme", lambda one: replace(one, last_error=None))
        assert done.wait(10)
    finally:
        assert crowd.refresher.stop()


def test_expired_entries_leave_the_memory_every_ten_minutes(crowd: Crowd) -> None:
    crowd.add("acme")
    crowd.add("lost", age=HOUR - 60)
    crowd.service.status["b.test"] = 401
    mine = crowd.home.source("acme")
    mine.token()
    crowd.home.token("lost")
    held = crowd.home.source("lost")
    assert crowd.home.sweep() == 0
    crowd.clock.advance(2 * HOUR)
    assert crowd.home.sweep() == 0, "somebody holds them"
    del held
    assert crowd.home.sweep() == 1
    assert crowd.home.source("acme") is mine
    del mine
    crowd.run(1)
    assert crowd.refresher.status().swept == 1


def test_5000_credentials_at_50_services_are_each_refreshed_once() -> None:
    crowd = Crowd()
    for number in range(5000):
        crowd.add(f"user/{number}", host=f"{number % 50}.test", age=HOUR - 400)
    crowd.run(40)
    assert crowd.service.asked == 5000
    assert set(crowd.service.redeemed.values()) == {1}
    assert crowd.service.most[""] <= 64
    assert max(crowd.service.most[f"{number}.test"] for number in range(50)) <= 8
    status = crowd.refresher.status()
    assert (status.credentials, status.refreshed, status.failed, status.waiting) == (5000, 5000, 0, 0)


def test_due_at_is_told_by_the_wall_clock(crowd: Crowd) -> None:
    crowd.add("acme")
    crowd.run(1)
    due = crowd.refresher.due_at("acme")
    assert due is not None
    assert due == pytest.approx(crowd.clock.now() - 1 + HOUR - 600 * 1.1)
    assert crowd.refresher.status().next_due == pytest.approx(due)
    assert crowd.refresher.due_at("nobody") is None
    assert isinstance(crowd.home.clock, FakeClock)
