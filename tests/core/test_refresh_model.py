"""The lifecycle against a model of a careful server: crashes at every point, network faults, a failing store, odd clocks."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.core.house import HOUR, NAME, START, House, Killed, PlainProvider
from tests.core.model import Fault, Server
from vestal.core.breaker import Breakers
from vestal.core.credential import Credential, State, state
from vestal.core.decision import Demand
from vestal.core.errors import AuthFailed, NeedsLogin, StoreUnavailable, VestalError
from vestal.core.events import Event, Kind
from vestal.core.grant import Grant
from vestal.core.journal import recall
from vestal.core.lifecycle import Lifecycle
from vestal.core.secret import Secret

faults = st.builds(
    lambda few, outage: [*few, *[outage] * 10], st.lists(st.sampled_from(Fault), max_size=3), st.sampled_from(Fault)
) | st.lists(st.sampled_from(Fault), max_size=3)
fuses = st.none() | st.integers(1, 25)


class Worker(RuleBasedStateMachine):
    """One credential, one worker at a time, and a server that remembers everything."""

    @initialize(grace=st.sampled_from([0.0, 30.0, 1e9]), requests=st.sampled_from([1, 2]))
    def begin(self, grace: float, requests: int) -> None:
        self.fuse: int | None = None
        self.store_trouble = range(0)
        self.saves = 0
        self.store_failed = False
        self.violations: list[str] = []
        self.arrived: set[str] = set()
        """Refresh tokens that this worker has read."""
        self.house = House(breakers=Breakers(failures=10**9), provider=PlainProvider(requests=requests))
        self.server = Server(self.house.clock, grace, self.tick)
        self.house.edit(refresh_token=Secret(self.server.live))
        self.house.store.before_save = self.before_save
        self.house.store.after_save = lambda _: self.tick()
        self.forced: Counter[str] = Counter()
        self.version = 0
        self.durable: set[str] = set()
        self.start_worker()

    # The world

    def start_worker(self) -> None:
        """Another process takes over; what was only in the memory of the last one is gone."""
        self.arrived.clear()
        self.house.lifecycle = self.lifecycle = Lifecycle(
            self.house.store,
            lambda _: self.house.provider,
            self.server,
            self.house.clock,
            listeners=[self.listen],
            breakers=self.house.breakers,
            random=lambda: 0.5,
        )

    def tick(self) -> None:
        """A point at which the worker may die."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse == 0:
                self.fuse = None
                raise Killed

    def before_save(self, _: Credential) -> None:
        self.tick()
        self.saves += 1
        if self.saves in self.store_trouble:
            raise StoreUnavailable("the disk is full")

    def listen(self, event: Event) -> None:
        """After each step, what has arrived must be where it will be found."""
        if event.kind is Kind.STORE_FAILED:
            self.store_failed = True
        arrived = event.kind in (Kind.TOKEN_PARSED, Kind.REFRESHED)
        if arrived:
            self.arrived.add(self.server.live)
        if arrived and not self.store_failed and self.server.live not in self.durable_now():
            self.violations.append(f"at {event.kind}, {self.server.live} is not on the disk")
        self.tick()

    @property
    def stored(self) -> Credential:
        return self.house.stored

    def durable_now(self) -> set[str]:
        """The refresh tokens that are on the disk: in the record, or in a recorded answer."""
        stored = self.stored
        found = {stored.refresh_token.reveal()} if stored.refresh_token else set()
        for line in stored.intent.responses if stored.intent else ():
            response = recall(line)
            if response.status == 200 and "refresh_token" in response.body.reveal():
                found.add(json.loads(response.body.reveal())["refresh_token"])
        return found

    @staticmethod
    def may_have_been_sent_twice(credential: Credential) -> bool:
        """Whether one more sending would be a third one, for all that the record says."""
        return credential.suspect or (credential.intent is not None and credential.intent.replayed)

    # What happens

    @rule(
        later=st.sampled_from([HOUR, 400.0, 0.0]),
        what=st.sampled_from(["due", "refused", "early", "force"]),
        faults=faults,
        fuse=fuses,
        trouble=st.just(range(0)) | st.integers(1, 5).map(lambda first: range(first, first + 6)),
    )
    def refresh(self, later: float, what: str, faults: list[Fault], fuse: int | None, trouble: range) -> None:
        """A worker asks; requests fail, the store fails, and the worker dies at some point, or not."""
        self.house.clock.advance(later)
        version = self.stored.version
        demand = {
            "due": Demand(),
            "refused": Demand(newer_than=version),
            "early": Demand(outlived=version, early=True),
            "force": Demand(force=True),
        }[what]
        held = self.stored.refresh_token
        assert held is not None
        self.forced[held.reveal()] += what == "force"
        self.server.faults = list(faults)
        self.fuse, self.store_trouble, self.saves, self.store_failed = fuse, trouble, 0, False
        try:
            result = self.lifecycle.refresh(NAME, demand)
        except Killed:
            self.start_worker()
        except StoreUnavailable:
            kept = self.lifecycle.unsaved.get(NAME)
            in_memory = kept.credential.refresh_token if kept else None
            if self.server.live in self.arrived and self.server.alive:
                assert self.server.live in self.durable_now() or in_memory == Secret(self.server.live)
        except VestalError:
            pass
        else:
            assert result.version > version or demand == Demand()
            assert result == self.stored, "nothing is published that is not saved"
        finally:
            self.fuse, self.store_trouble, self.server.faults = None, range(0), []

    @rule(seconds=st.sampled_from([-2 * HOUR, -400.0, -3.0, 3.0, 400.0, 2 * HOUR]))
    def clock_jumps(self, seconds: float) -> None:
        self.house.clock.jump(seconds)

    @rule()
    def worker_dies(self) -> None:
        self.start_worker()

    @rule()
    def user_revokes(self) -> None:
        self.server.revoke()

    @precondition(lambda self: state(self.stored, now=START, leased=False) is State.NEEDS_LOGIN)
    @rule()
    def user_logs_in(self) -> None:
        grant = Grant(
            access_token=Secret("at-login"), expires_in=HOUR, refresh_token=Secret(self.server.log_in()), scope="x"
        )
        self.lifecycle.logged_in(NAME, grant, self.house.clock.now())
        self.durable = set()
        assert state(self.stored, now=START, leased=False) is State.IDLE

    @rule()
    def a_good_day(self) -> None:
        """Nothing is broken any more, and all hold-offs have passed: the state must have told the truth."""
        self.house.clock.advance(HOUR)
        error = self.stored.last_error
        if error is not None and error.retry_at is not None and error.at <= self.house.clock.now() < error.retry_at:
            self.house.clock.advance(error.retry_at - self.house.clock.now())  # the clock had gone back by just that
        self.store_failed = False
        before, was = self.stored, state(self.stored, now=START, leased=False)
        assert before.refresh_token is not None
        usable = {token for token in self.durable_now() if self.server.accepts(token)}
        sent = sum(self.server.presented.values())
        in_memory = NAME in self.lifecycle.unsaved  # the store could not be told of it yet
        try:
            self.refuse_the_token(before.version)
        except NeedsLogin as error:
            assert error.reason == "interrupted refresh" or self.server.revoked, "refused, but nobody revoked it"
            assert not usable or self.may_have_been_sent_twice(before)
            assert state(self.stored, now=START, leased=False) is State.NEEDS_LOGIN
        else:
            assert was is not State.NEEDS_LOGIN or in_memory
            assert state(self.stored, now=START, leased=False) is State.IDLE
            return
        assert was is not State.NEEDS_LOGIN or sent == sum(self.server.presented.values()), "it was sent in vain"

    def refuse_the_token(self, version: int) -> None:
        try:
            self.lifecycle.refresh(NAME, Demand(newer_than=version))
        except AuthFailed as error:  # by a clock that went back, it has only just been issued
            assert error.retry_after is not None
            self.house.clock.advance(error.retry_after)
            self.lifecycle.refresh(NAME, Demand(newer_than=version))

    # What always holds

    @invariant()
    def no_refresh_token_is_sent_a_third_time_unless_a_person_says_so(self) -> None:
        if hasattr(self, "server"):
            assert all(times <= 2 + self.forced[token] for token, times in self.server.presented.items())

    @invariant()
    def versions_only_grow(self) -> None:
        if hasattr(self, "server"):
            assert self.stored.version >= self.version
            self.version = self.stored.version

    @invariant()
    def what_was_on_the_disk_and_is_still_worth_something_is_on_the_disk(self) -> None:
        if not hasattr(self, "server"):
            return
        now = self.durable_now()
        if self.server.alive and self.server.live in self.durable:
            assert self.server.live in now
        self.durable = now

    @invariant()
    def nothing_went_wrong_on_the_way(self) -> None:
        assert getattr(self, "violations", []) == []


Worker.TestCase.settings = settings(max_examples=300, stateful_step_count=15, deadline=None)
TestWorker = Worker.TestCase
