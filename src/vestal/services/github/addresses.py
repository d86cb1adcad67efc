"""The addresses that a call goes to: no token is sent anywhere but to the place's own API. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urljoin

from vestal.core.errors import ConfigError
from vestal.oauth2.address import origin
from vestal.services.github.place import Place


def address(place: Place, path: str, query: Mapping[str, str | int]) -> str:
    """The address of a path, or one that the API itself gave, with a query. Raises `ConfigError` for one elsewhere."""
    url = path if "://" in path else place.url(path)
    if origin(url) != origin(place.url("/")):
        raise ConfigError(f"{origin(url)} is not {origin(place.url('/'))}", remedy="no token is sent elsewhere")
    if query:
        url += ("&" if "?" in url else "?") + urlencode(query)
    return url


def moved(url: str, location: str) -> str | None:
    """Where a redirect leads; None for elsewhere, and for nowhere."""
    try:
        target = urljoin(url, location)
    except ValueError:
        return None
    return target if origin(target) == origin(url) else None
