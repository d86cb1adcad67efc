"""`Refresher`: keeps every credential of a home fresh before anybody asks.

One thread looks at the clock and at what has changed in the store, and gives out the work; a bounded number of others does
it. They go to the lifecycle and not to sources, which would cost a kilobyte for each credential that nobody asks for: under
the lease there is one refresh per version anyway, and callers adopt what it brings.
"""

from __future__ import annotations

import logging
import random as chance
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from vestal.core.clock import Clock
from vestal.core.errors import VestalError
from vestal.core.events import Event, Kind
from vestal.daemon import feed
from vestal.daemon.errand import Result, run
from vestal.daemon.lanes import Lanes
from vestal.daemon.refresher_status import Status
from vestal.daemon.schedule import Entry, Hold, Plan, Schedule, Timeline, plan

if TYPE_CHECKING:
    from vestal.home import Home

NAP = 5.0
"""Seconds after which the clocks are looked at in any case: the machine may have slept."""

SOONEST = 1.0
"""Seconds: no credential is refreshed again sooner, however short its tokens live."""

BUSY = 3.0
"""Seconds after which a credential is looked at again that somebody else was refreshing."""

_TELLING = (Kind.LOGGED_IN, Kind.CHANGED, Kind.TOKEN_SAVED, Kind.LOGIN_NEEDED, Kind.REFRESH_FAILED)
"""After these a record is not what it was, whoever did it in this process."""

_log = logging.getLogger("vestal")


class Refresher:
    """See the module. Safe for use from any thread. All times are seconds."""

    def __init__(
        self,
        home: Home,
        *,
        clock: Clock | None = None,
        period: float = 30.0,
        sweep: float = 600.0,
        at_once: int = 64,
        per_provider: int = 8,
        random: Callable[[], float] = chance.random,
    ) -> None:
        """`period`: between two looks at the store; `sweep`: between two removals of what has expired in memory.

        `at_once`: how many refreshes may run; `per_provider`: of those at one provider and address.
        """
        self._home = home
        self._clock = clock or home.clock
        self._period, self._sweep = period, sweep
        self._random = random
        self._lock = threading.Condition()
        """Guards what follows. Nobody waits for I/O under it but the look at the store, page by page."""
        self._schedule = Schedule()
        self._lanes = Lanes(at_once, per_provider)
        self._timeline = Timeline(self._clock.now(), self._clock.steady())
        self._changed: set[str] = set()
        self._looks = 0
        self._next_look = 0.0
        self._next_sweep = sweep
        self._stopping = False
        self._listening = False
        self._thread: threading.Thread | None = None
        self._status = Status()

    def start(self) -> None:
        """Begin. Returns at once: the first look at the store is made in the background. Raises `ConfigError`."""
        lifecycle = self._home.lifecycle
        with self._lock:
            if self._thread is not None:
                return
            if not self._listening:
                lifecycle.events.listen(self._hear)
                self._listening = True
            self._stopping = False
            self._thread = threading.Thread(target=self._run, name="vestal refresher")
            self._thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """Begin nothing more, and wait so long for what is under way.

        False if some of it goes on: its result is saved all the same, and an interpreter that exits waits for it.
        """
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)
        with self._lock:
            ended = self._lock.wait_for(lambda: self._lanes.running == 0, timeout)
            self._thread = None if thread is None or not thread.is_alive() else thread
            return ended and self._thread is None

    def status(self) -> Status:
        """How it stands."""
        with self._lock:
            now = self._now()
            due = self._schedule.next_due()
            return self._status.counted(
                self._schedule.entries(),
                waiting=self._lanes.waiting,
                running=self._lanes.running,
                next_due=None if due is None else self._clock.now() + due - now,
                resting=self._lanes.resting(now),
            )

    def due_at(self, name: str) -> float | None:
        """When a credential is to be refreshed, in epoch seconds; None: not by itself, or it is under way."""
        with self._lock:
            entry = self._schedule.get(name)
            due = None if entry is None else entry.due
            return None if due is None else self._clock.now() + due - self._now()

    def turn(self) -> float:
        """Do what is due now: look at the store, give out work. Seconds until there may be more. For its own thread."""
        now = self._time()
        if now >= self._next_look:
            self._look()
            self._next_look = self._time() + self._period
        with self._lock:
            changed, self._changed = self._changed, set()
        if changed:
            self._read(sorted(changed))
        if now >= self._next_sweep:
            self._next_sweep = now + self._sweep
            swept = self._home.sweep()
            with self._lock:
                self._status.swept += swept
        with self._lock:
            self._give_out()
            now = self._now()
            ends = (self._schedule.next_due(), self._lanes.next_wake(now), self._next_look, self._next_sweep)
            return max(min(end for end in ends if end is not None) - now, 0.0)

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until nothing is under way; False if something still is."""
        with self._lock:
            return self._lock.wait_for(lambda: self._lanes.running == 0, timeout)

    # The thread that gives out the work

    def _run(self) -> None:
        while not self._stopping:
            wait = NAP
            try:
                wait = self.turn()
            except Exception:  # whatever it is, the credentials must be kept fresh
                _log.exception("the refresher failed, and goes on")
            with self._lock:
                if not self._stopping and not self._changed:
                    self._lock.wait(min(wait, NAP))

    def _hear(self, event: Event) -> None:
        """Something happened to a credential in this process."""
        if event.kind in _TELLING:
            with self._lock:
                entry = self._schedule.get(event.credential)
                if not self._stopping and (entry is None or not entry.running):
                    self._changed.add(event.credential)
                    self._lock.notify_all()

    def _look(self) -> None:
        """See what has been added, changed and removed in the store, whoever did it."""
        began, trouble = self._clock.steady(), ""
        self._looks += 1
        try:
            for page in feed.revisions(self._home.store.backend):
                with self._lock:
                    if self._stopping:
                        return
                    changed = [name for name, revision in page if not self._knows(name, revision)]
                self._read(changed)
            with self._lock:
                gone = self._schedule.drop_unseen(self._looks)
            for name in gone:
                self._home.let_go(name)
        except VestalError as error:
            trouble = error.message
        with self._lock:
            self._status.last_look = self._clock.now()
            self._status.look_took = self._clock.steady() - began
            self._status.look_failed = trouble

    def _knows(self, name: str, revision: int) -> bool:
        entry = self._schedule.get(name)
        if entry is None:
            return False
        entry.seen = self._looks
        return entry.running or entry.revision == revision

    def _read(self, names: list[str]) -> None:
        """Plan these anew, from their records; and give out what is due of them."""
        try:
            found = {outline.name: outline for outline in feed.outlines(self._home.store.backend, names)}
        except VestalError as error:
            with self._lock:
                self._changed.update(names)
                self._status.look_failed = error.message
                self._next_look = min(self._next_look, self._now() + BUSY)
            return
        for name in names:
            outline = found.get(name)
            if self._is_stale(name, None if outline is None else outline.public):
                self._home.let_go(name)
        with self._lock:
            for name in names:
                outline, entry = found.get(name), self._schedule.get(name)
                if entry is not None and entry.running:
                    continue
                if outline is None:
                    self._schedule.drop(name)
                elif entry is None or entry.revision != outline.revision:
                    self._plan(name, outline.revision, self._planned(outline.public, entry))
            self._give_out()

    def _is_stale(self, name: str, public: feed.Public | None) -> bool:
        """Whether this process holds another token than the record: somebody has logged in, refreshed or removed it."""
        at_hand = self._home.peek(name)
        token = None if public is None else public.get("token")
        stored = token.get("issued_at") if isinstance(token, dict) else None
        return at_hand is not None and at_hand.issued_at != stored

    def _planned(self, public: feed.Public | None, entry: Entry | None, *, ours: bool = False) -> Plan:
        now = self._clock.now()
        asked = None if entry is None or entry.asked is None else now + entry.asked - self._now()
        try:
            if public is not None:
                return plan(public, now, jitter=self._random(), asked=asked, ours=ours)
        except (KeyError, TypeError, ValueError):
            pass
        return Plan(None, "unreadable", Hold.UNREADABLE)

    def _plan(self, name: str, revision: int, found: Plan, *, not_before: float = 0.0) -> None:
        now = self._now()
        wall = self._clock.now() - now
        self._schedule.put(name, revision, found, seen=self._looks, soonest=now + not_before, wall=wall)

    def _give_out(self) -> None:
        """Under the lock: let those wait whose time has come, and begin what may run."""
        if self._stopping:
            return
        now = self._now()
        for name, entry in self._schedule.take(now, self._random):
            entry.due = None
            if self._home.peek(name) is not None:
                entry.asked = now
            self._lanes.put(entry.lane, name, entry.number)
        while (item := self._take()) is not None:
            try:
                threading.Thread(target=self._work, args=item, name="vestal refresher at work").start()
            except RuntimeError:  # no thread to be had
                lane, name, entry = item
                entry.running = False
                self._lanes.done(lane)
                self._lanes.put(lane, name, entry.number)
                self._lanes.rest(lane, now + BUSY)

    def _take(self) -> tuple[str, str, Entry] | None:
        """Under the lock: the next that may run."""
        while not self._stopping and (item := self._lanes.take(self._now())) is not None:
            lane, name, number = item
            entry = self._schedule.get(name)
            if entry is not None and entry.number == number and not entry.running:
                entry.running = True
                return lane, name, entry
            self._lanes.done(lane)  # it has been planned anew, or removed
        return None

    # The threads that do the work

    def _work(self, lane: str, name: str, entry: Entry) -> None:
        item: tuple[str, str, Entry] | None = (lane, name, entry)
        while item is not None:
            lane, name, entry = item
            result = run(self._home, name, entry.revision)
            with self._lock:
                try:
                    self._take_in(lane, name, entry, result)
                finally:
                    entry.running = False
                    self._lanes.done(lane)
                    item = self._take()
                    self._lock.notify_all()

    def _take_in(self, lane: str, name: str, entry: Entry, result: Result) -> None:
        """Under the lock: what an errand means for the plan."""
        self._status.count(result)
        now = self._now()
        if result.rest is not None:
            self._lanes.rest(lane, now + result.rest)
        if result.gone:
            self._schedule.drop(name)
            return
        if result.busy or result.public is None:
            asked = None if entry.asked is None else self._clock.now() + entry.asked - now
            found = Plan(self._clock.now(), entry.lane, entry.hold, asked)
        else:
            found = self._planned(result.public, entry, ours=result.refreshed)
        if result.needs_login:
            found = Plan(None, found.lane, Hold.NEEDS_LOGIN)
        wait = BUSY if result.busy else max(result.wait, SOONEST)
        revision = entry.revision if result.revision is None else result.revision
        self._plan(name, revision, found, not_before=wait * (1 + self._random() / 2))

    def _time(self) -> float:
        with self._lock:
            return self._now()

    def _now(self) -> float:
        """Under the lock: the timeline's time."""
        return self._timeline.now(self._clock.now(), self._clock.steady())
