"""Addresses: which ones a secret may be sent to, and how they are named in messages."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from vestal.core.errors import ConfigError
from vestal.core.loopback import is_loopback

_URL = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")  # RFC 3986, section 2, without `#`
_DEFAULT_PORTS = {"https": 443, "http": 80}


def check_address(url: str | None, what: str, setting: str) -> str:
    """`url`, if secrets may be sent to it: https, or http to this machine itself (RFC 6749, 3.2; RFC 8252, 8.3).

    `what` names it in messages, `setting` is where it can be changed. A fragment is not allowed, a query is
    (RFC 6749, section 3.2). Raises `ConfigError`.
    """
    if not url:
        raise ConfigError(f"there is no {what}", remedy=f"set {setting}")
    parts = _split(url)
    if parts is None or not _URL.fullmatch(url) or not parts.hostname:
        raise ConfigError(f"the {what} is not an address", remedy=f"set {setting} to an address like https://host/path")
    if parts.username is not None:
        raise ConfigError(f"the {what} has a user name in it", remedy=f"set {setting} to an address without one")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ConfigError(
            f"the {what} {origin(url)} is not https, so no secret is sent to it",
            remedy=f"set {setting} to an https address; http is for this machine only (127.0.0.1, [::1], localhost)",
        )
    return url


def origin(url: str) -> str:
    """Scheme, host and port of an address (RFC 6454), without a default port; empty for what is not an address."""
    parts = _split(url)
    if parts is None or not parts.hostname or not _URL.fullmatch(parts.hostname):
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it is read only now, and refused if it is out of range
    except ValueError:
        return None
    return parts
