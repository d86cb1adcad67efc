"""What an app's settings say: text that a person wrote, as the values it stands for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from vestal.core.credential import App
from vestal.core.errors import ConfigError
from vestal.oauth2.address import check_address

_VARIABLE = re.compile(r"\{([A-Za-z0-9_]+)\}")
_VALUE = re.compile(r"[A-Za-z0-9\-._~%:/\[\]]+")
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


def api_urls(app: App) -> tuple[str, ...]:
    """The setting `api_url`: base addresses of APIs, with blanks between them. Raises `ConfigError`."""
    return tuple(base_url(url) for url in app.settings.get("api_url", "").split())


def filled(app: App, template: str, service: str, variables: Mapping[str, str]) -> str:
    """An address with the settings in the place of each `{variable}`; `variables` says what they are.

    Raises `ConfigError`.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        text = app.settings.get(name, "").strip().rstrip("/")
        if not text:
            what = variables.get(name, "")
            raise ConfigError(
                f"{service} needs to know {name}" + (f": {what}" if what else ""), remedy=f"set {name}=..."
            )
        if found.string[: found.start()].endswith("://"):  # where a host stands, people paste an address
            text = text.removeprefix(found.string[: found.start()])
        if not _VALUE.fullmatch(text):
            raise ConfigError(f"{name} can't be a part of an address", remedy=f"set {name} to plain letters and digits")
        return text

    return _VARIABLE.sub(value, template)


def base_url(url: str) -> str:
    """An address that paths can be put after: without a slash at its end. Raises `ConfigError`."""
    check_address(url, "address of the API", "api_url")
    if "?" in url or "#" in url:
        raise ConfigError(
            "the address of the API has a query in it", remedy="set api_url to one like https://host/path"
        )
    return url.rstrip("/")


def prefixed(app: App, prefix: str) -> dict[str, str]:
    """All settings whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): text for name, text in app.settings.items() if name.startswith(prefix)}


def _wrong(name: str, wanted: str) -> ConfigError:
    return ConfigError(f"the setting {name} is not {wanted}", remedy=f"set {name} to {wanted}")
