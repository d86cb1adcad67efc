"""Where a browser brings the answer of a login: to the daemon itself wherever that can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from vestal.core.errors import ConfigError
from vestal.daemon.browsers import DASHBOARD
from vestal.oauth2.page import Link

PATHS = ("/callback", "/login/callback")
"""Of the daemon's own addresses that take answers."""

_HOSTS = ("127.0.0.1", "localhost")
"""What services know that let the port vary (RFC 8252, section 7.3); few of those who register one think of ::1."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address of the daemon's own."""

    redirect_uri: str
    port: int | None
    """Of this machine; None if a gateway is in between."""


def own_place(settings: Mapping[str, str], url: str | None) -> Place | None:
    """Where the daemon, which browsers reach at `url`, takes the answer itself; None: a login needs a port of its own.

    `settings` are those of the app: `redirect_uri` as it is registered, or `redirect_port` and `redirect_path`, which may
    both be missing where the service lets the port vary (RFC 8252, section 7.3). Raises `ConfigError` for what leads to
    the daemon, and to nothing there.
    """
    registered = settings.get("redirect_uri")
    if registered is not None:
        return _registered(registered, url)
    ours = _own(url)
    if ours is None:
        return None
    host, port = ours
    path, wanted = settings.get("redirect_path", PATHS[0]), settings.get("redirect_port", "0")
    if wanted.strip("0") and wanted != str(port):
        return None
    if path in PATHS:
        return Place(f"http://{host}:{port}{path}", port)
    if wanted.strip("0"):
        raise _nothing_there(f"the redirect_path {path[:60]!r}")
    return None


def link_back(name: str, place: Place | None, url: str | None) -> Link | None:
    """From the page that ends a login to that of the credential; None if no browser gets there."""
    path = f"{DASHBOARD}/credentials/{quote(name)}"
    if place is not None and place.port is None:
        return Link(path, _BACK)  # by the gateway's address: the browser may be on any machine
    return None if url is None else Link(url + path, _BACK)


_BACK = "Back to the dashboard"


def _registered(redirect_uri: str, url: str | None) -> Place | None:
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None  # the loopback says what is wrong with it
    if not host or parts.username is not None or parts.query or parts.fragment:
        return None
    if parts.scheme == "https":
        if parts.path.endswith(PATHS):  # a gateway may take away what is before them
            return Place(redirect_uri, None)
        raise _nothing_there("the redirect_uri")
    ours = _own(url)
    if ours is None or parts.scheme != "http" or host not in _HOSTS or (port or 80) != ours[1]:
        return None
    if parts.path not in PATHS:
        raise _nothing_there("the redirect_uri")
    return Place(redirect_uri, ours[1])


def _own(url: str | None) -> tuple[str, int] | None:
    """Host and port of the daemon, where it can be named as it is."""
    if url is None:
        return None
    parts = urlsplit(url)
    return (parts.hostname, parts.port or 80) if parts.hostname in _HOSTS else None


def _nothing_there(what: str) -> ConfigError:
    return ConfigError(
        f"{what} leads to nothing that takes the answer of a login",
        remedy=(
            f"the daemon takes it at {' and '.join(PATHS)}: register and set a redirect_uri like"
            " https://HOST/login/callback, or http://127.0.0.1:8378/callback"
        ),
    )
