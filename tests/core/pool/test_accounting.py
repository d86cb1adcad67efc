"""An owner's books, case by case. What holds for all interleavings is in test_books_model.py."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.pool.accounting import Answer, Verdict, advance, learn, left, release, reserve, settle
from vestal.core.pool.books import Books
from vestal.core.quota import Charge, Rate, Terms, Told

NOW = 1_800_000_000.0
RESET = NOW + 1800
TERMS = Terms()
CORE = Charge("core")


def told(remaining: int | None = None, reset_at: float | None = RESET, limit: int | None = 10) -> Told:
    return Told("core", limit, remaining, reset_at)


def known(remaining: int = 10, reset_at: float = RESET) -> Books:
    return learn(Books(), told(remaining, reset_at), TERMS, NOW)


class Owner:
    """Books that a test works on."""

    def __init__(self, books: Books | None = None, terms: Terms = TERMS, headroom: int = 0) -> None:
        self.books = books or Books()
        self.terms = terms
        self.headroom = headroom
        self.now = NOW
        self.number = 0

    def ask(self, charge: Charge = CORE, assumed: int | None = None) -> Verdict:
        self.number += 1
        self.books, verdict = reserve(
            self.books, charge, self.terms, self.headroom, str(self.number), self.now, assumed
        )
        return verdict

    def take(self, charge: Charge = CORE) -> str:
        assert self.ask(charge).answer is Answer.GRANTED
        return str(self.number)

    def takes(self, times: int, charge: Charge = CORE) -> list[str]:
        return [self.take(charge) for _ in range(times)]

    def settle(self, id_: str, word: Told | None) -> None:
        self.books = settle(self.books, id_, word, self.terms, self.now)

    @property
    def left(self) -> int | None:
        return left(advance(self.books, self.terms, self.now), "core", self.headroom)


def test_what_is_under_way_is_not_left() -> None:
    owner = Owner(known(2))
    first, _ = owner.takes(2)
    assert owner.ask() == Verdict(Answer.BUSY)
    owner.settle(first, told(1))
    assert owner.ask() == Verdict(Answer.BUSY)


def test_when_nothing_is_left_and_nothing_under_way_it_says_when_there_is() -> None:
    owner = Owner(known(1))
    owner.settle(owner.take(), told(0))
    assert owner.ask() == Verdict(Answer.EXHAUSTED, RESET + TERMS.after_reset)


def test_headroom_is_left_for_others() -> None:
    owner = Owner(known(5), headroom=3)
    owner.takes(2)
    assert owner.ask().answer is Answer.BUSY
    assert owner.left == 0
    assert left(owner.books, "core", 0) == 3


def test_no_bucket_is_left_to_others_altogether() -> None:
    """One that is far smaller than the one that the headroom was meant for could never be used."""
    owner = Owner(known(10), headroom=5000)
    owner.takes(5)
    assert owner.ask().answer is Answer.BUSY
    assert owner.left == 0
    assert Owner(headroom=5000).ask(assumed=3).answer is Answer.GRANTED


def test_a_limit_of_nothing_is_asked_again_after_its_reset() -> None:
    owner = Owner()
    owner.settle(owner.take(), told(0, limit=0))
    assert owner.ask().answer is Answer.EXHAUSTED
    owner.now = RESET + TERMS.after_reset
    assert owner.ask().answer is Answer.GRANTED
    assert owner.ask().answer is Answer.BUSY


def test_a_free_request_needs_nothing_left() -> None:
    assert Owner(known(0)).ask(Charge("core", 0)).answer is Answer.GRANTED


def test_replies_that_overtake_each_other() -> None:
    owner = Owner(known(10))
    first, second = owner.takes(2)
    owner.settle(second, told(8))
    owner.settle(first, told(9))
    assert owner.left == 8


def test_a_reply_does_not_make_up_for_a_loss_beside_it() -> None:
    owner = Owner(known(10))
    first, second = owner.takes(2)
    owner.settle(second, None)
    owner.settle(first, told(9))
    assert owner.left == 8


@pytest.mark.parametrize("counted", [True, False])
def test_the_next_reply_settles_a_loss(counted: bool) -> None:
    owner = Owner(known(10))
    owner.settle(owner.take(), None)
    assert owner.left == 9
    owner.settle(owner.take(), told(8 if counted else 9))
    assert owner.left == (8 if counted else 9)


def test_a_refund_is_taken() -> None:
    owner = Owner(known(3))
    owner.settle(owner.take(), told(7))
    assert owner.left == 7


def test_a_request_that_cost_nothing() -> None:
    """Such as one that was answered with 304."""
    owner = Owner(known(10))
    owner.settle(owner.take(), told(10))
    assert owner.left == 10


def test_release_leaves_no_trace() -> None:
    before = advance(known(1), TERMS, NOW)
    owner = Owner(before)
    owner.books = release(owner.books, owner.take(), TERMS, NOW)
    assert owner.books == before


def test_other_programs_that_spend_the_quota_are_noticed() -> None:
    owner = Owner(known(10))
    owner.settle(owner.take(), told(4))
    assert owner.left == 4


# Resets


def test_after_the_reset_all_is_there_again_without_a_probe() -> None:
    owner = Owner(known(0))
    owner.now = RESET + TERMS.after_reset - 0.1
    assert owner.ask().answer is Answer.EXHAUSTED
    owner.now = RESET + TERMS.after_reset
    owner.takes(10)
    assert owner.ask().answer is Answer.BUSY


def test_a_late_reply_of_the_last_window_says_nothing_of_this_one() -> None:
    owner = Owner(known(5))
    owner.now = RESET - 5
    early = owner.take()
    owner.now = RESET + 10
    now = owner.take()
    owner.settle(early, told(4))
    assert owner.left == 9
    owner.settle(now, told(9, RESET + 3600))
    assert owner.left == 9


def test_a_reply_of_the_next_window_opens_it() -> None:
    owner = Owner(known(5))
    owner.now = RESET - 1  # clocks differ
    first, second = owner.takes(2)
    owner.settle(first, told(9, RESET + 3600))
    owner.settle(second, told(4))
    assert owner.left == 9


def test_tellings_of_one_reset_differ_a_little() -> None:
    owner = Owner(known(10))
    first, second = owner.takes(2)
    owner.settle(first, told(8, RESET + 1))
    owner.settle(second, told(9, RESET + 2))
    assert owner.left == 8


def test_a_window_that_the_service_does_not_know_is_given_up() -> None:
    owner = Owner(known(10, reset_at=NOW + 80_000))
    owner.settle(owner.take(), told(3))
    assert owner.left == 3
    assert owner.books.windows["core"].reset_at == RESET


def test_a_reset_that_is_no_reset() -> None:
    owner = Owner(known(0, reset_at=NOW + 26 * 3600))
    assert owner.ask() == Verdict(Answer.EXHAUSTED, NOW + 60)
    owner.now += 60
    assert owner.ask().answer is Answer.GRANTED


def test_a_service_that_is_still_in_the_old_window() -> None:
    """It says so after the reset: no flood of requests, but one attempt after the other."""
    owner = Owner(known(0))
    owner.now = RESET + 2
    first, second = owner.takes(2)
    for each in (first, second):
        owner.settle(each, told(0))
    assert owner.ask().answer is Answer.EXHAUSTED


def test_a_clock_that_is_set_back_blocks_nothing_longer_than_before() -> None:
    owner = Owner(known(0))
    owner.now -= 30 * 86_400
    assert owner.ask() == Verdict(Answer.EXHAUSTED, owner.now + 1800 + TERMS.after_reset)
    owner.now += 1801
    assert owner.ask().answer is Answer.GRANTED


# What is not known


def test_an_unknown_bucket_is_asked_one_request_at_a_time() -> None:
    owner = Owner()
    first = owner.take()
    assert owner.ask() == Verdict(Answer.BUSY)
    owner.settle(first, None)
    second = owner.take()
    owner.settle(second, told(5))
    owner.takes(5)
    assert owner.ask().answer is Answer.BUSY


def test_an_assumed_limit_holds_until_the_service_tells() -> None:
    owner = Owner()
    for _ in range(3):
        assert owner.ask(assumed=3).answer is Answer.GRANTED
    assert owner.ask(assumed=3).answer is Answer.BUSY
    owner.settle("1", told(99, limit=100))
    assert owner.left == 97


@pytest.mark.parametrize("assumed", [None, 4])
def test_a_service_that_never_says_anything_has_no_limits(assumed: int | None) -> None:
    owner = Owner()
    for number in "123":
        assert owner.ask(assumed=assumed).answer is Answer.GRANTED
        owner.settle(number, Told())
    for _ in range(50):
        assert owner.ask(assumed=assumed).answer is Answer.GRANTED


def test_a_reply_that_names_another_bucket() -> None:
    owner = Owner(known(10))
    owner.settle(owner.take(), Told("search", 30, 29, NOW + 60))
    assert owner.left == 10
    assert left(owner.books, "search", 0) == 29


def test_a_reservation_that_is_never_settled_counts_as_spent() -> None:
    owner = Owner(known(5))
    lost = owner.take()
    owner.now += TERMS.reserved_for
    assert owner.ask(Charge("core", 5)).answer is Answer.EXHAUSTED
    owner.settle(lost, told(2))  # late, but news
    assert owner.left == 1


# Limits that are not told


def test_concurrency() -> None:
    owner = Owner(known(10), Terms(concurrent=2))
    first, _ = owner.takes(2)
    assert owner.ask(Charge("core", 0)) == Verdict(Answer.BUSY)
    owner.settle(first, told(9))
    owner.take()


def test_a_rest_is_for_all_buckets() -> None:
    owner = Owner(known(10))
    owner.settle(owner.take(), Told(rest_until=NOW + 90))
    for charge in (CORE, Charge("search", 0)):
        assert owner.ask(charge) == Verdict(Answer.RESTING, NOW + 90)
    owner.now += 90
    owner.take()


def test_a_rest_does_not_last_for_ever() -> None:
    owner = Owner(learn(Books(), Told(rest_until=NOW * 2), TERMS, NOW))
    assert owner.ask() == Verdict(Answer.RESTING, NOW + 25 * 3600)


RATED = Terms(rates={"points": Rate(900, 60)})


def test_a_rate_says_when_it_has_recovered() -> None:
    owner = Owner(known(10), RATED)
    big = Charge("core", 1, {"points": 890, "other": 7})
    owner.settle(owner.take(big), told(9))
    owner.take(Charge("core", 1, {"points": 10}))
    assert owner.ask(Charge("core", 1, {"points": 1})) == Verdict(Answer.BUSY, NOW + 61)


def test_a_point_counts_to_the_end_of_the_span() -> None:
    owner = Owner(known(10), RATED)
    owner.now = NOW + 0.9
    owner.settle(owner.take(Charge("core", 1, {"points": 900})), told(9))
    owner.now = NOW + 60.5
    assert owner.ask(Charge("core", 1, {"points": 1})) == Verdict(Answer.BUSY, NOW + 61)


def test_points_under_way_count_until_they_are_settled_and_from_then() -> None:
    owner = Owner(known(10), RATED)
    id_ = owner.take(Charge("core", 1, {"points": 900}))
    owner.now += 70
    assert owner.ask(Charge("core", 1, {"points": 1})) == Verdict(Answer.BUSY)
    owner.settle(id_, told(9))
    assert owner.ask(Charge("core", 1, {"points": 1})) == Verdict(Answer.BUSY, NOW + 70 + 61)


def test_what_is_more_than_the_rate_goes_alone() -> None:
    owner = Owner(known(10), RATED)
    owner.take(Charge("core", 1, {"points": 1000}))
    assert owner.ask(Charge("core", 1, {"points": 1})).answer is Answer.BUSY


@given(
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 20), st.integers(1, 5)), max_size=60),
    st.sampled_from([Rate(10, 60), Rate(12, 10), Rate(20, 600)]),
)
def test_no_span_of_time_ever_sees_more_points_than_the_rate(
    script: list[tuple[float, float, int]], rate: Rate
) -> None:
    """Wherever between the reservation and the reply the service counts them."""
    owner = Owner(learn(Books(), told(1000, NOW + 80_000, 1000), TERMS, NOW), Terms(rates={"r": rate}))
    flights: list[tuple[str, float, float, int]] = []
    counted: list[tuple[float, int]] = []
    for wait, duration, points in script:
        until = owner.now + wait
        for flight in sorted([f for f in flights if f[2] <= until], key=lambda f: f[2]):
            flights.remove(flight)
            owner.now = max(owner.now, flight[2])
            owner.settle(flight[0], told(1000))
        owner.now = until
        if owner.ask(Charge("core", 0, {"r": points})).answer is Answer.GRANTED:
            flights.append((str(owner.number), owner.now, owner.now + duration, points))
            counted.append((owner.now if owner.number % 2 else owner.now + duration, points))
    for begin, _ in counted:
        assert sum(points for at, points in counted if begin <= at < begin + rate.seconds) <= rate.points


def test_a_steady_stream_gets_nearly_all_of_the_rate() -> None:
    owner = Owner(learn(Books(), told(100_000, NOW + 80_000, 100_000), TERMS, NOW), RATED)
    granted = 0
    for _ in range(6000):
        owner.now += 0.1
        for _ in range(3):
            if owner.ask(Charge("core", 0, {"points": 1})).answer is Answer.GRANTED:
                granted += 1
                owner.settle(str(owner.number), told(100_000))
    assert granted >= 900 * 10 * 0.97


# The stored form


def full() -> Books:
    owner = Owner(known(10), RATED)
    owner.takes(2, Charge("core", 1, {"points": 5}))
    owner.settle("1", told(9))
    owner.settle(owner.take(), None)
    return learn(owner.books, Told(rest_until=NOW + 5), RATED, NOW)


def test_books_come_back_as_they_were() -> None:
    assert full().windows["core"].lost
    assert Books.parse(full().dumps()) == full()
    assert len(full().dumps()) < 300


@given(st.one_of(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.floats(), st.lists).map(repr)))
def test_junk_is_fresh_books(text: str) -> None:
    assert Books.parse(text) == Books()


@given(st.data())
def test_spoilt_books_break_nothing(data: st.DataObject) -> None:
    text = full().dumps()
    at = data.draw(st.integers(0, len(text)))
    spoilt = (
        text[:at]
        + data.draw(st.text('0123456789eE-.[]{},:"an', max_size=4))
        + text[at + data.draw(st.integers(0, 3)) :]
    )
    owner = Owner(Books.parse(spoilt), RATED)
    owner.ask(Charge("core", 1, {"points": 1}))
    owner.settle(str(owner.number), told(3))
    owner.ask()
    Books.parse(owner.books.dumps())


@pytest.mark.parametrize(
    "text", [None, "", "null", "[[1]]", "[" * 100_000, "[[1,1e999,0,0],{},{},{}]", "[[2,0,0,0],{},{},{}]"]
)
def test_what_is_no_books(text: str | None) -> None:
    assert Books.parse(text) == Books()


@given(
    st.builds(
        Told,
        st.sampled_from([None, "core", "search"]),
        st.none() | st.integers(),
        st.none() | st.integers(),
        st.none() | st.floats(),
        st.none() | st.floats(),
    )
)
def test_whatever_the_service_tells(word: Told) -> None:
    owner = Owner(known(10))
    owner.settle(owner.take(), word)
    owner.books = learn(owner.books, word, TERMS, NOW)
    owner.ask()
    rest = owner.books.rest_until
    assert rest <= NOW + 25 * 3600
    assert replace(Books.parse(owner.books.dumps()), as_of=0.0) == replace(owner.books, as_of=0.0)
