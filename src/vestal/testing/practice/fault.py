"""`Fault`: one kind of trouble, with its options."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from vestal.core.errors import ConfigError

ENDPOINTS = (
    "token",
    "authorize",
    "device_authorization",
    "device",
    "revoke",
    "introspect",
    "resource",
    "jwks",
    "discovery",
)


class Kind(enum.StrEnum):
    """What goes wrong. Those marked * first let the request take effect, as if all were well."""

    PASS = "pass"
    """* Nothing: lets requests through before the next fault in the queue."""
    STATUS = "status"
    """`status` (503), `body` (empty), `retry_after`; with `redeem`, the request has taken effect all the same."""
    RATE_LIMIT = "rate_limit"
    """429 with `retry_after` (1): seconds or an HTTP-date (RFC 9110, 10.2.3)."""
    HANG_BEFORE = "hang_before"
    """Holds the request until it is released (then all goes on) or the client goes (then nothing happens)."""
    HANG_AFTER = "hang_after"
    """* Holds the answer until it is released."""
    CUT_BEFORE = "cut_before"
    """Closes the connection; with `reset`, by a TCP reset."""
    CUT_AFTER = "cut_after"
    """* As before."""
    CUT_MIDDLE = "cut_middle"
    """* Sends half of the body, then closes."""
    GARBAGE = "garbage"
    """* 200, JSON by its name, `size` (64) random bytes."""
    TRUNCATED = "truncated"
    """* The first half of the body, as if it were the whole."""
    ERROR_200 = "error_200"
    """200 with `error` (`invalid_grant`) in the body."""
    EMPTY_400 = "empty_400"
    """400 without a body."""
    DRIP = "drip"
    """* The answer in `pieces` (20) with `seconds` (0.05) between them."""
    CONTENT_TYPE = "content_type"
    """* The right body under a wrong `content_type` (`text/html`)."""
    HUGE = "huge"
    """* A valid answer, `size` (4,000,000) bytes longer."""
    REDIRECT = "redirect"
    """`status` (307) to `location` (`https://other.invalid/`)."""


_AFTER = {Kind.PASS, Kind.HANG_AFTER, Kind.CUT_AFTER, Kind.CUT_MIDDLE, Kind.GARBAGE, Kind.TRUNCATED, Kind.DRIP}
_AFTER |= {Kind.CONTENT_TYPE, Kind.HUGE}

_OPTIONS: dict[Kind, dict[str, object]] = {
    Kind.STATUS: {"status": 503, "body": "", "retry_after": "", "redeem": False},
    Kind.RATE_LIMIT: {"retry_after": "1", "redeem": False},
    Kind.CUT_BEFORE: {"reset": False},
    Kind.CUT_AFTER: {"reset": False},
    Kind.GARBAGE: {"size": 64},
    Kind.ERROR_200: {"error": "invalid_grant"},
    Kind.DRIP: {"pieces": 20, "seconds": 0.05},
    Kind.CONTENT_TYPE: {"content_type": "text/html"},
    Kind.HUGE: {"size": 4_000_000},
    Kind.REDIRECT: {"status": 307, "location": "https://other.invalid/"},
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble with all of its options."""

    kind: Kind
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def redeems(self) -> bool:
        """Whether the request takes effect before things go wrong."""
        return self.kind in _AFTER or self.options.get("redeem") is True

    def text(self, option: str) -> str:
        """An option as text."""
        return str(self.options[option])

    def number(self, option: str) -> float:
        """An option as a number."""
        return float(self.text(option))


def fault(kind: str, /, **options: object) -> Fault:
    """A fault with its options checked and the others at their defaults. Raises `ConfigError`."""
    if kind not in list(Kind):
        raise ConfigError(f"there is no fault {kind[:40]!r}", remedy="there are " + ", ".join(Kind))
    known = _OPTIONS.get(Kind(kind), {})
    for name, value in options.items():
        if name not in known:
            there = ", ".join(known) or "none"
            raise ConfigError(f"the fault {kind} has no option {name[:40]!r}", remedy=f"its options: {there}")
        if not _fits(name, value, known[name]):
            raise ConfigError(f"the fault {kind} can't have such a {name}", remedy=f"an example: {known[name]!r}")
    return Fault(Kind(kind), {**known, **options})


def parse(text: str) -> tuple[str, str, int | None, dict[str, object]]:
    """Endpoint, kind, times and options of a fault in one line: `token:status,times=2,status=502,redeem=true`.

    `times=always` makes it stay. The parts are checked when they are added. Raises `ConfigError`.
    """
    first, *pairs = text.split(",")
    endpoint, colon, kind = first.partition(":")
    options: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        colon = colon and equals
        options[name.strip()] = _value(value.strip())
    if not colon:
        raise ConfigError(
            "that is no fault", remedy="write ENDPOINT:KIND,OPTION=VALUE, such as token:status,status=502"
        )
    times = options.pop("times", 1)
    if times == "always":
        return endpoint.strip(), kind.strip(), None, options
    if isinstance(times, bool) or not isinstance(times, int):
        raise ConfigError("a fault's times is a number or 'always'", remedy="write times=3 or times=always")
    return endpoint.strip(), kind.strip(), times, options


def _fits(name: str, value: object, example: object) -> bool:
    if isinstance(value, bool) or isinstance(example, bool):
        return isinstance(value, bool) and isinstance(example, bool)
    if isinstance(example, str):
        # What becomes a header must stay one line.
        return name == "body" or (isinstance(value, str | int) and str(value).isprintable())
    return isinstance(value, int | float) and 0 <= value < 1e9


def _value(text: str) -> object:
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
