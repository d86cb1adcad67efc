"""Whose turn it is: one queue per provider and address, so that a service that hangs holds up nobody else. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Lane:
    waiting: deque[tuple[str, int]] = field(default_factory=deque)
    running: int = 0
    rests_until: float = 0.0


class Lanes:
    """Queues that take turns. `at_once`: how many may run in all, `per_lane`: of one queue."""

    def __init__(self, at_once: int, per_lane: int) -> None:
        self._at_once = at_once
        self._per_lane = per_lane
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[str] = deque()
        """The lanes in which somebody waits, in the order of their turns."""
        self.running = 0

    def put(self, lane: str, name: str, number: int) -> None:
        """Let a credential wait."""
        queue = self._lanes.setdefault(lane, _Lane())
        if not queue.waiting:
            self._turns.append(lane)
        queue.waiting.append((name, number))

    def take(self, now: float) -> tuple[str, str, int] | None:
        """Lane, name and number of the next that may run; `done` gives its place back. None: nobody may now."""
        if self.running >= self._at_once:
            return None
        for _ in range(len(self._turns)):
            lane = self._turns.popleft()
            queue = self._lanes[lane]
            if queue.running >= self._per_lane or now < queue.rests_until:
                self._turns.append(lane)
                continue
            name, number = queue.waiting.popleft()
            if queue.waiting:
                self._turns.append(lane)
            queue.running += 1
            self.running += 1
            return lane, name, number
        return None

    def done(self, lane: str) -> None:
        """One of a lane has ended."""
        queue = self._lanes[lane]
        queue.running -= 1
        self.running -= 1
        if not queue.running and not queue.waiting and not queue.rests_until:
            del self._lanes[lane]

    def rest(self, lane: str, until: float) -> None:
        """Begin nothing more in a lane before `until`: its service has said so, or fails."""
        queue = self._lanes.setdefault(lane, _Lane())
        queue.rests_until = max(queue.rests_until, until)

    def resting(self, now: float) -> dict[str, float]:
        """The lanes that rest, and for how many seconds more. Forgets the rest of those that do not."""
        resting = {lane: queue.rests_until - now for lane, queue in self._lanes.items() if queue.rests_until > now}
        for lane in [lane for lane, queue in self._lanes.items() if queue.rests_until and lane not in resting]:
            self._lanes[lane].rests_until = 0.0
            if not self._lanes[lane].running and not self._lanes[lane].waiting:
                del self._lanes[lane]
        return resting

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(queue.waiting) for queue in self._lanes.values())

    def next_wake(self, now: float) -> float | None:
        """When the first lane that rests and has somebody waiting goes on; None if there is none."""
        ends = [self._lanes[lane].rests_until for lane in self._turns]
        return min((end for end in ends if end > now), default=None)
