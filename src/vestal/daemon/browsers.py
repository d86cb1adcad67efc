"""What is true of requests that a browser sends, and of no program: pages of anybody may make it send them.

Over TCP nothing is given without a key or a session, so that is where it ends. On the Unix socket whoever may connect may
all, and `ssh -L 9000:.../vestal.sock` brings browsers there: these rules are for them as well.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from vestal.core.secret import Secret
from vestal.daemon.problem import Refusal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1)."""

DASHBOARD = "/dashboard"
"""Where the pages are: the cookie goes nowhere else."""

OPEN = (f"{DASHBOARD}/open/", f"{DASHBOARD}/static/")
"""What of them needs no session."""


def is_page(path: str) -> bool:
    """Whether a path is one of the dashboard."""
    return path == DASHBOARD or path.startswith(DASHBOARD + "/")


def cookie_name(url: str | None) -> str:
    """Of the session's cookie. The port is in it, since a cookie is for all ports of a host (RFC 6265, section 8.5)."""
    port = None if url is None else urlsplit(url).port
    return "vestal" if port is None else f"vestal-{port}"


def cookie_of(header: bytes, name: str) -> Secret | None:
    """The value of one cookie (RFC 6265, section 4.2.1)."""
    for pair in header.split(b";"):
        key, _, value = pair.strip().partition(b"=")
        if key == name.encode():
            return Secret(value.decode("latin-1"))
    return None


def check_site(host: bytes, origin: bytes | None, site: bytes | None) -> None:
    """Raises `Refusal` (403) for a request that a page of another site has made the browser send.

    https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header comes where the address is trustworthy (loopback is); the
    Origin header (RFC 6454, section 7) with every request that is not safe. Programs send neither.
    """
    if site is not None:
        foreign = site not in (b"same-origin", b"none")
    else:
        foreign = origin is not None and origin.partition(b"://")[2].lower() != host.lower()
    if foreign:
        raise Refusal(403, "a page of another site has sent this", remedy="use the dashboard's own pages")


def check_name(host: bytes, hosts: Collection[str]) -> None:
    """On the Unix socket, where Host may be anything: raises `Refusal` (421) for a name that can be somebody's domain."""
    name = without_port(host)
    if "." in name and name not in hosts:
        raise Refusal(421, "the Host header names another server", remedy="call it localhost")


def without_port(host: bytes) -> str:
    """The name or address in a Host header, in lower case."""
    text = host.decode("latin-1").lower()
    name, colon, port = text.rpartition(":")
    return name if colon and (port.isdigit() or not port) and not text.endswith("]") else text
