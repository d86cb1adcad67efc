"""A chart of a credential's refreshes: one bar each, as high as it took long, where it began. Pure geometry, for a template.

All lengths are units of the SVG's view box, `width` by `height`, with y downwards; texts and shapes are ready to be put in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from vestal.daemon.activity import Attempt
from vestal.operations.times import span

WIDTH, HEIGHT = 640.0, 200.0
LEFT, TOP, RIGHT, BOTTOM = 56.0, 16.0, 628.0, 172.0
"""Where the plot is. Left of it are the labels of durations, below it those of times."""

WIDEST, NARROWEST, LOWEST = 12.0, 2.0, 2.0
"""Of bars: how wide they are at most and at least, and the height of one that took no time."""

SYMBOL = 4.0
"""Half the size of a cross or diamond."""

SHORTEST, LONGEST = 60.0, 100 * 366 * 86400.0
"""Seconds that the chart reaches back, at least and at most."""

UNEVEN = 20.0
"""Where the longest took so many times as long as the middle one, the durations' axis is logarithmic."""

BRIEFEST, FOREVER = 0.001, 100_000.0
"""Seconds: the least that a logarithmic axis tells apart, and what longer ones are cut to: a clock was set meanwhile."""

_TIME_STEPS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600)
_MOST_TIMES, _MOST_DURATIONS = 6, 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid, at this x or y, with its label."""

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """One attempt. The bar's upper left corner is at `x`, `y`."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    """`good`, `failed` or `login`: the name of a class."""
    symbol: str
    """Path data of what sits on top: a cross for a failure, a diamond for a login, nothing for a refresh that went well."""
    label: str
    """What it is, in words."""
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template draws. Without marks there are no ticks of durations either."""

    title: str
    summary: str
    """The chart in a sentence, for those who don't see it."""
    marks: tuple[Mark, ...]
    """In the order of drawing: failures come last, so that no bar hides them."""
    times: tuple[Tick, ...]
    """From left to right, the last one is now."""
    durations: tuple[Tick, ...]
    """From the bottom up."""
    logarithmic: bool
    """Whether each of the ticks of durations is many times the one below, and none is 0."""
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    top: float = TOP
    right: float = RIGHT
    bottom: float = BOTTOM

    @property
    def view_box(self) -> str:
        """The attribute of that name."""
        return f"0 0 {self.width:g} {self.height:g}"


def chart(attempts: Sequence[Attempt], now: float, *, title: str) -> Chart:
    """The chart of some attempts at `now` (epoch seconds). What lies in the future, since the clock was set back, is now."""
    ages = [min(max(now - attempt.at, 0.0), LONGEST) for attempt in attempts]
    reach = max(SHORTEST, *ages, 0.0)
    refreshes = [attempt for attempt in attempts if attempt.what != "login"]
    took = [_bounded(attempt.seconds) for attempt in refreshes]
    logarithmic = len(took) > 2 and max(took) > UNEVEN * max(median(took), BRIEFEST)
    scale, durations = (_logarithmic if logarithmic else _linear)(took or [0.0])
    wide = min(max((RIGHT - LEFT) / (2.0 * (len(attempts) or 1)), NARROWEST), WIDEST)
    marks = [
        _mark(attempt, age, RIGHT - wide - (RIGHT - LEFT - wide) * age / reach, wide, scale)
        for attempt, age in zip(attempts, ages, strict=True)
    ]
    return Chart(
        title=title,
        summary=_summary(attempts, refreshes, reach),
        marks=tuple(sorted(marks, key=lambda mark: mark.kind == "failed")),
        times=_times(reach, wide),
        durations=tuple(Tick(_rounded(scale(value)), f"{value:,g} s") for value in durations) if marks else (),
        logarithmic=logarithmic,
    )


def _mark(attempt: Attempt, age: float, x: float, wide: float, scale: Callable[[float], float]) -> Mark:
    login = attempt.what == "login"
    kind = "login" if login else "good" if attempt.ok else "failed"
    high = max(BOTTOM - scale(0.0 if login else _bounded(attempt.seconds)), LOWEST)
    return Mark(
        x=_rounded(x),
        y=_rounded(BOTTOM - high),
        width=_rounded(wide),
        height=_rounded(high),
        kind=kind,
        symbol=_symbol(kind, x + wide / 2, BOTTOM - high),
        label=_label(attempt, age),
        attempt=attempt,
    )


def _symbol(kind: str, x: float, top: float) -> str:
    """Path data (https://www.w3.org/TR/SVG2/paths.html#PathData), around a place just above a bar."""
    if kind == "good":
        return ""
    x, y, size = _rounded(x), _rounded(max(top - SYMBOL - 2.0, SYMBOL)), SYMBOL
    if kind == "login":
        return f"M{x:g} {y - size:g}l{size:g} {size:g}l{-size:g} {size:g}l{-size:g} {-size:g}z"
    cross = f"l{2 * size:g} {2 * size:g}m0 {-2 * size:g}l{-2 * size:g} {2 * size:g}"
    return f"M{_rounded(x - size):g} {_rounded(y - size):g}{cross}"


# The axes


def _linear(took: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """From 0 to a round duration that none is above."""
    longest = max(*took, BRIEFEST, 0.0)
    step = _round_step(longest / _MOST_DURATIONS)
    steps = math.ceil(longest / step - 1e-9)
    top = step * steps
    return lambda value: BOTTOM - (BOTTOM - TOP) * min(value / top, 1.0), [step * number for number in range(steps + 1)]


def _logarithmic(took: Sequence[float]) -> tuple[Callable[[float], float], list[float]]:
    """From a power of ten that none is below, but for those that took hardly any time, to one that none is above."""
    low = math.floor(math.log10(max(min(took), BRIEFEST)) + 1e-9)
    high = max(math.ceil(math.log10(max(took)) - 1e-9), low + 1)
    stride = math.ceil((high - low) / _MOST_DURATIONS)
    high = low + stride * math.ceil((high - low) / stride)

    def scale(value: float) -> float:
        share = (math.log10(max(value, 10.0**low)) - low) / (high - low)
        return BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0)

    return scale, [10.0**power for power in range(low, high + 1, stride)]


def _round_step(least: float) -> float:
    """The least of 1, 2 or 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * factor for factor in (1, 2, 5) if power * factor >= least * (1 - 1e-9)), power * 10)


def _times(reach: float, wide: float) -> tuple[Tick, ...]:
    """Round times before now."""
    step = next((step for step in _TIME_STEPS if reach / step <= _MOST_TIMES), 0)
    if not step:
        step = 86400 * max(math.ceil(_round_step(reach / 86400 / _MOST_TIMES)), 1)
    start, length = RIGHT - wide / 2, RIGHT - LEFT - wide
    back = range(int(reach / step + 1e-9), 0, -1)
    ticks = [Tick(_rounded(start - length * min(step * number / reach, 1.0)), span(step * number)) for number in back]
    return (*ticks, Tick(_rounded(start), "now"))


# The words


def _summary(attempts: Sequence[Attempt], refreshes: Sequence[Attempt], reach: float) -> str:
    if not attempts:
        return "No refreshes yet"
    logins = len(attempts) - len(refreshes)
    failed = sum(not attempt.ok for attempt in refreshes)
    good = [_bounded(attempt.seconds) for attempt in refreshes if attempt.ok]
    counted = _count(len(refreshes), "refresh", "refreshes")
    parts = [f"{counted} in the last {_period(reach)}" + (f", {failed} failed" if failed else "")]
    parts += [f"median {_seconds(median(good))}"] if good else []
    parts += [_count(logins, "login", "logins")] if logins else []
    return "; ".join(parts)


def _label(attempt: Attempt, age: float) -> str:
    when = f"{span(age)} ago" if age >= 1 else "now"
    version = "" if attempt.version is None else f", token {attempt.version}"
    if attempt.what == "login":
        return f"{when}: login{version}"
    what = "recovery" if attempt.what == "recovery" else "refresh"
    why = f" ({attempt.reason})" if attempt.reason else ""
    if not attempt.ok:
        return f"{when}: {what}{why} failed after {_seconds(attempt.seconds)}, {attempt.category or 'unknown'}"
    return f"{when}: {what}{why} in {_seconds(attempt.seconds)}{version}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _period(seconds: float) -> str:
    """A length of time that covers this one, in the unit that says it best: `hour`, `3 hours`."""
    unit, size = next((each for each in _UNITS if seconds >= 1.5 * each[1]), _UNITS[-1])
    number = max(math.ceil(seconds / size - 1e-9), 1)
    return unit if number == 1 else f"{number} {unit}s"


_UNITS = (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0))


def _seconds(value: float) -> str:
    """A duration as it is read best: `0 s`, `0.25 s`, `20 s`, `2 min`."""
    value = _bounded(value)
    if value < 0.0005:
        return "0 s"
    if value < 60:
        return (
            f"{value:.2g} s" if value >= 0.1 and value < 9.95 else f"{value:.0f} s" if value >= 1 else f"{value:.1g} s"
        )
    return span(value)


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), FOREVER)


def _rounded(value: float) -> float:
    """A tenth of a unit is finer than any screen."""
    return round(value, 1)
