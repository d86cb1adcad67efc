"""The books against an exact service: whatever overtakes what, and whatever is lost, nothing goes over the quota."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from vestal.core.pool.accounting import Answer, advance, learn, left, release, reserve, settle
from vestal.core.pool.books import Books
from vestal.core.quota import Charge, Terms, Told

BUCKET = "core"
TERMS = Terms(reserved_for=120.0)
START = 1_800_000_000.0
pick = st.integers(min_value=0, max_value=1_000)
few = st.integers(min_value=1, max_value=5)


@dataclass
class Service:
    """Counts one bucket. A window begins with the first request after the last one has ended."""

    limit: int
    length: float
    used: int = 0
    ends_at: float = 0.0

    def count(self, cost: int, now: float) -> bool:
        """Whether it was within the quota."""
        if now >= self.ends_at:
            self.used, self.ends_at = 0, now + self.length
        if self.used + cost > self.limit:
            return False
        self.used += cost
        return True

    def tells(self, now: float) -> Told:
        if now >= self.ends_at:
            return Told(BUCKET, self.limit, self.limit, now + self.length)
        return Told(BUCKET, self.limit, self.limit - self.used, self.ends_at)


@dataclass
class Flight:
    """A request under way."""

    id: str
    reserved: int
    cost: int
    """What the service takes, at most what was reserved."""
    at: float
    probe: bool
    """Sent to find out: nothing was known of the bucket."""
    reply: Told | None = None


class Interleavings(RuleBasedStateMachine):
    @initialize(
        limit=st.integers(1, 8),
        length=st.sampled_from([60.0, 300.0, 3600.0]),
        headroom=st.integers(0, 1),
        known=st.booleans(),
    )
    def begin(self, limit: int, length: float, headroom: int, known: bool) -> None:
        self.now = START
        self.service = Service(limit, length)
        self.headroom = headroom
        self.books = Books()
        self.flights: list[Flight] = []
        self.late: list[Told] = []
        self.lost = 0
        self.number = 0
        if known:
            self.books = learn(self.books, self.service.tells(self.now), TERMS, self.now)

    def reserve(self, cost: int, actual: int) -> Answer:
        known = left(self.books, BUCKET, 0)
        self.number += 1
        id_ = str(self.number)
        after, verdict = reserve(self.books, Charge(BUCKET, cost), TERMS, self.headroom, id_, self.now)
        if verdict.answer is Answer.GRANTED:
            probe = known is None or after.windows.get(BUCKET) is None or after.windows[BUCKET].told is None
            self.flights.append(Flight(id_, cost, min(actual, cost), self.now, probe))
        self.books = after
        return verdict.answer

    @rule(cost=st.sampled_from([1, 1, 1, 2, 3]), actual=st.sampled_from([3, 1, 0]), times=few)
    def ask(self, cost: int, actual: int, times: int) -> None:
        for _ in range(times):
            self.reserve(cost, actual)

    @precondition(lambda self: any(f.reply is None for f in self.flights))
    @rule(which=pick, times=few)
    def arrive(self, which: int, times: int) -> None:
        waiting = [flight for flight in self.flights if flight.reply is None]
        for flight in (waiting * 2)[which % len(waiting) :][: min(times, len(waiting))]:
            self.count(flight)

    def count(self, flight: Flight) -> None:
        within = self.service.count(flight.cost, self.now)
        assert within or flight.probe, "a request went over the quota"
        flight.reply = self.service.tells(self.now)

    @precondition(lambda self: any(f.reply for f in self.flights))
    @rule(which=pick, times=few)
    def reply(self, which: int, times: int) -> None:
        replied = [flight for flight in self.flights if flight.reply]
        for flight in (replied * 2)[which % len(replied) :][: min(times, len(replied))]:
            self.deliver(flight)

    def deliver(self, flight: Flight) -> None:
        self.flights.remove(flight)
        if self.now - flight.at >= TERMS.reserved_for:
            self.lost += flight.reserved
        self.books = settle(self.books, flight.id, flight.reply, TERMS, self.now)

    @precondition(lambda self: self.flights)
    @rule(which=pick, silent=st.booleans())
    def lose(self, which: int, silent: bool) -> None:
        """The connection breaks, after the service has counted it or before, or a proxy answers."""
        flight = self.flights.pop(which % len(self.flights))
        self.lost += flight.reserved
        self.books = settle(self.books, flight.id, Told() if silent and not flight.probe else None, TERMS, self.now)

    @rule()
    def overtake(self) -> None:
        """Two are counted, the later one is lost, and the earlier one's reply knows nothing of it."""
        before = len(self.flights)
        self.reserve(1, 1)
        self.reserve(1, 1)
        for flight in self.flights[before:]:
            self.count(flight)
        if len(self.flights) == before + 2:
            self.lose(before + 1, False)
            self.deliver(self.flights[before])

    @precondition(lambda self: any(f.reply is None for f in self.flights))
    @rule(which=pick)
    def give_back(self, which: int) -> None:
        waiting = [flight for flight in self.flights if flight.reply is None]
        flight = waiting[which % len(waiting)]
        self.flights.remove(flight)
        self.books = release(self.books, flight.id, TERMS, self.now)

    @precondition(lambda self: self.flights)
    @rule(which=pick)
    def die(self, which: int) -> None:
        """The worker is killed: nobody settles."""
        flight = self.flights.pop(which % len(self.flights))
        self.lost += flight.reserved

    @rule()
    def look(self) -> None:
        """Somebody asks the service how it stands, and will tell sooner or later."""
        self.late.append(self.service.tells(self.now))

    @precondition(lambda self: self.late)
    @rule(which=pick)
    def hear(self, which: int) -> None:
        self.books = learn(self.books, self.late.pop(which % len(self.late)), TERMS, self.now)

    @rule(seconds=st.sampled_from([0.1, 0.1, 1.0, 30.0, 59.0, 300.0]))
    def wait(self, seconds: float) -> None:
        """What has not come to the service while it was reserved never will."""
        self.now += seconds
        gone = [f for f in self.flights if f.reply is None and self.now - f.at >= TERMS.reserved_for]
        self.lost += sum(flight.reserved for flight in gone)
        self.flights = [flight for flight in self.flights if flight not in gone]
        self.late = [told for told in self.late if (told.reset_at or 0) > self.now]

    @invariant()
    def what_is_left_is_there(self) -> None:
        """Even if all that is under way comes to be counted as well."""
        rest = left(advance(self.books, TERMS, self.now), BUCKET, 0)
        coming = sum(flight.cost for flight in self.flights if flight.reply is None and not flight.probe)
        assert not rest or rest + coming <= (self.service.tells(self.now).remaining or 0)

    @invariant()
    def the_books_can_be_stored(self) -> None:
        assert Books.parse(self.books.dumps()) == self.books

    def teardown(self) -> None:
        """In the end, requests that go one after the other use up all there is."""
        if not hasattr(self, "service"):
            return
        for flight in list(self.flights):
            if flight.reply is None:
                self.count(flight)
            self.deliver(flight)
        self.now += 2 * TERMS.after_reset  # a word of a window that is over holds for so long
        if 0 <= self.now - self.service.ends_at <= TERMS.after_reset:  # they stay away for so long
            self.now += TERMS.after_reset + 0.1
        self.books, _ = reserve(self.books, Charge(BUCKET, 0), TERMS, 0, "look", self.now)
        told = 0
        while self.reserve(1, 1) is Answer.GRANTED:
            flight = self.flights[-1]
            over = flight.probe and self.service.tells(self.now).remaining == 0
            self.count(flight)
            self.deliver(flight)
            told += not over
            assert told < 100
        if self.books.entries.keys() - {"look"}:
            return  # somebody died, and it is not known yet
        stranded = (self.service.tells(self.now).remaining or 0) - self.headroom
        assert stranded <= (0 if told else self.lost)


Interleavings.TestCase.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)
TestInterleavings = Interleavings.TestCase
