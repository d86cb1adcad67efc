"""`Window`: what is known of one bucket of one owner, and what a reply, a loss or a reset makes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vestal.core.quota import Terms, Told

FARTHEST = 25 * 3600.0
"""Seconds: a reset farther away than this is no reset."""

SAME = 2.0
"""Seconds by which two tellings of one reset may differ."""

NEARLY = 5.0
"""Seconds before its reset from which on a window may already be over for the service."""

DOUBT = 60.0
"""Seconds at least for which the latest word holds if no reset is known: then one request may ask."""

SILENCE = 3
"""After so many answers that say nothing of a bucket, the service is taken not to limit it."""

_MOST = 10**12
"""Units: nobody has more."""

_LONGEST = 32
"""How many losses are kept apart."""


@dataclass(frozen=True, slots=True)
class Window:
    """What is known of one bucket: the service's latest word, and what may have come after it."""

    limit: int | None = None
    told: int | None = None
    """What remained when the service gave its latest word; None: it is not known."""
    reset_at: float | None = None
    """Epoch seconds: when this window ends; if `presumed`, when the one before it ended."""
    presumed: bool = False
    """Nothing was told since the reset, or ever (then `reset_at` is None): `told` is the limit, known or assumed."""
    step: int = 0
    """The step at which `told` was entered."""
    told_at: float = 0.0
    """Epoch seconds of the same."""
    span: float = 0.0
    """The longest time until a reset that was ever told, in seconds: how long a window lasts, as far as is known."""
    silent: int = 0
    """How many answers in a row said nothing of this bucket, before anything was known of it."""
    lost: tuple[tuple[int, int], ...] = ()
    """Requests with an unknown outcome that `told` may not contain: at which step they were given up, and their cost."""

    @property
    def never_told(self) -> bool:
        """Nothing is known but what a caller may have assumed."""
        return self.told is None or (self.presumed and self.reset_at is None)

    @property
    def unlimited(self) -> bool:
        """The service says nothing of this bucket."""
        return self.told is None and self.silent >= SILENCE

    @property
    def remaining(self) -> int | None:
        """What remains at least, if all that is under way comes to nothing; None: unknown."""
        return None if self.told is None else self.told - sum(cost for _, cost in self.lost)


def hear(window: Window, told: Told, since: int, step: int, now: float) -> Window:
    """After a word of the service on what remains. `since`: the step at which the request of that word was reserved."""
    reset_at = told.reset_at if told.reset_at is not None and told.reset_at - now <= FARTHEST else None
    remaining = _sane(told.remaining or 0)
    late = window.told is not None and since < window.step
    if late and not _is_later(window, reset_at, remaining, now):
        return window
    known = window.reset_at
    if reset_at is None:
        reset_at = None if window.presumed else known
    elif late and known is not None and not window.presumed:
        reset_at = max(reset_at, known)
    if reset_at is not None:
        same = known is not None and abs(reset_at - known) <= SAME and not window.presumed
        # The service may still be in a window that should be over: ask again a little later.
        reset_at = max(known if same and known is not None else reset_at, now)
    return Window(
        limit=window.limit if told.limit is None else _sane(told.limit),
        told=remaining,
        reset_at=reset_at,
        step=step,
        told_at=now,
        span=window.span if reset_at is None else max(window.span, reset_at - now),
        lost=tuple(loss for loss in window.lost if loss[0] > since),
    )


def _sane(count: int) -> int:
    return min(max(count, 0), _MOST)


def _is_later(window: Window, reset_at: float | None, remaining: int, now: float) -> bool:
    """Whether a word that overtook the latest one, or was overtaken by it, was given later."""
    if reset_at is not None and window.reset_at is not None:
        if reset_at > window.reset_at + SAME and (window.presumed or now >= window.reset_at - NEARLY):
            return True
        if reset_at < window.reset_at - SAME:
            return False
    if window.presumed and window.reset_at is not None:
        return False
    return window.told is None or remaining <= window.told


def missed(window: Window, cost: int, told: Told | None, step: int) -> Window:
    """After a reply that says nothing of the bucket (`told` without it), or no reply at all (None)."""
    if window.never_told and told is not None:
        window = replace(window, silent=window.silent + 1)
        if window.silent >= SILENCE:
            return Window(limit=window.limit, silent=window.silent)
    if cost == 0:
        return window
    lost = (*window.lost, (step, cost))
    if len(lost) > _LONGEST:
        lost = ((lost[1][0], lost[0][1] + lost[1][1]), *lost[2:])
    return replace(window, lost=lost)


def rolled(window: Window, terms: Terms, step: int, now: float) -> Window:
    """After its reset: full again, or unknown if it can't be known. The same if nothing has changed.

    What was lost may have been counted in the new window already, and stands until a reply says more.
    """
    back = back_at(window, terms)
    if window.told is None or back is None or now < back:
        return window
    in_doubt = sum(cost for _, cost in window.lost)
    if window.presumed and window.reset_at is not None and not in_doubt:
        return window
    if window.presumed or window.reset_at is None or not window.limit or 2 * in_doubt > window.limit:
        return replace(window, told=None, silent=0, presumed=False)
    return replace(window, told=window.limit, presumed=True, step=step, told_at=now)


def back_at(window: Window, terms: Terms) -> float | None:
    """When a bucket that is used up can be used again: its reset, or when it is worth asking."""
    if window.told is None:
        return None
    if window.reset_at is None or window.presumed:
        return window.told_at + max(DOUBT, window.span)
    return window.reset_at + terms.after_reset
