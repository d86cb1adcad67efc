"""What an app's settings say: text that a person wrote, as the values it stands for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vestal.core.credential import App
from vestal.core.errors import ConfigError

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def flag(app: App, name: str, default: bool = False) -> bool:
    """A yes or no. Raises `ConfigError`."""
    text = app.settings.get(name)
    if text is None:
        return default
    if text.strip().lower() not in _FLAGS:
        raise _wrong(name, "true or false")
    return _FLAGS[text.strip().lower()]


def number(app: App, name: str, default: float | None, *, longest: float = math.inf) -> float | None:
    """A number greater than 0 and at most `longest`. Raises `ConfigError`."""
    text = app.settings.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value <= longest and math.isfinite(value)):
        limit = f"a number up to {longest:g}" if math.isfinite(longest) else "a number"
        raise _wrong(name, f"{limit}, greater than 0")
    return value


def choice(app: App, name: str, default: str, choices: Sequence[str]) -> str:
    """One of a few words. Raises `ConfigError`."""
    text = app.settings.get(name)
    if text is None:
        return default
    if text not in choices:
        raise _wrong(name, "one of " + ", ".join(choices))
    return text


def prefixed(app: App, prefix: str) -> dict[str, str]:
    """All settings whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): text for name, text in app.settings.items() if name.startswith(prefix)}


def _wrong(name: str, wanted: str) -> ConfigError:
    return ConfigError(f"the setting {name} is not {wanted}", remedy=f"set {name} to {wanted}")
