"""`Settings`: how the practice server behaves. All of it may be changed while it runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vestal.core.errors import ConfigError


@dataclass(slots=True, kw_only=True)
class Settings:
    """How the practice server behaves. Times are seconds.

    Assigning to a field of a running server's `settings` counts from the next request on. A value that makes no sense
    raises `ConfigError`, at construction and at assignment.
    """

    access_token_lifetime: float = 60
    refresh_token_lifetime: float | None = None
    """From the issue of each refresh token; None: without limit."""
    code_lifetime: float = 60
    """Of authorization codes, and of the page on which the person decides (ten times as long)."""
    device_lifetime: float = 600
    device_interval: float = 5
    """Between two polls for a device code (RFC 8628, 3.2)."""
    rotation: bool = True
    """A refresh replaces the refresh token."""
    reuse_detection: bool = True
    """A redeemed refresh token that comes back revokes its family with all access tokens (RFC 9700, 4.14.2)."""
    reuse_grace: float = 0
    """For so long after its first redemption, a refresh token may be redeemed again. 0: not at all."""
    grace_successor: Literal["same", "new"] = "same"
    """What a redemption within the grace gives: the same next refresh token, or one more of them."""
    refresh_token_in_answer: Literal["present", "missing", "empty"] = "present"
    """In answers to a refresh. `missing` and `empty` leave the old one in force (RFC 6749, section 6): nothing rotates."""
    expires_in: str | None = None
    """JSON text that token answers carry in place of the truth: `null`, `"60"`, `-1`, `1e400`, `[]`; an empty text leaves
    the member out. None: the truth."""
    token_length: int = 43
    """Characters of access and refresh tokens."""
    latency: float = 0
    """Every answer is held back for so long, after the request took effect."""
    errors_with_status_200: bool = False
    """The token endpoint sends its errors with status 200, as some services do."""
    dpop_nonce: bool = False
    """Proofs must carry the server's nonce (RFC 9449, section 8)."""

    if not TYPE_CHECKING:  # a type checker that sees it would let any name pass

        def __setattr__(self, name: str, value: object) -> None:
            check = _CHECKS.get(name)
            if check is not None and not check(value):
                raise ConfigError(
                    f"the practice server's {name} can't be {json.dumps(value, default=repr)[:60]}",
                    remedy="see vestal.testing.practice.Settings for what it can be",
                )
            object.__setattr__(self, name, value)

    def change(self, values: Mapping[str, object]) -> None:
        """Change several fields: all or none. Raises `ConfigError`."""
        unknown = sorted(values.keys() - _CHECKS.keys())
        if unknown:
            raise ConfigError(
                f"the practice server has no setting {unknown[0][:40]!r}",
                remedy="it has " + ", ".join(_CHECKS),
            )
        dataclasses.replace(self, **values)  # type: ignore[arg-type]  # refuses a bad value before anything changes
        for name, value in values.items():
            setattr(self, name, value)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9


def _flag(value: object) -> bool:
    return isinstance(value, bool)


_CHECKS: dict[str, Callable[[object], bool]] = {
    "access_token_lifetime": _number,
    "refresh_token_lifetime": lambda value: value is None or _number(value),
    "code_lifetime": _number,
    "device_lifetime": _number,
    "device_interval": _number,
    "rotation": _flag,
    "reuse_detection": _flag,
    "reuse_grace": _number,
    "grace_successor": lambda value: value in ("same", "new"),
    "refresh_token_in_answer": lambda value: value in ("present", "missing", "empty"),
    "expires_in": lambda value: value is None or isinstance(value, str),
    "token_length": lambda value: isinstance(value, int) and not isinstance(value, bool) and 16 <= value <= 1_000_000,
    "latency": _number,
    "errors_with_status_200": _flag,
    "dpop_nonce": _flag,
}
