"""Which headers pass, in which form: to the service, and back to the client. Pure.

Pairs of bytes, names in lower case; order and repetition are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Headers = list[tuple[bytes, bytes]]

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"http2-settings"}
)
"""They speak of one connection only (RFC 9110, 7.6.1; RFC 9112, 6.1; RFC 9113, 3.2.1); and so does `proxy-...`."""

_OURS = frozenset({b"host", b"authorization", b"dpop", b"expect", b"content-length"})
"""What is said anew to the service. `Expect: 100-continue` is the daemon's to answer: it begins to read when the service
can take the body."""

_OF_ORIGIN = frozenset(
    {
        b"strict-transport-security",
        b"alt-svc",
        b"clear-site-data",
        b"nel",
        b"report-to",
        b"reporting-endpoints",
        b"service-worker-allowed",
        b"content-security-policy",
        b"x-content-type-options",
        b"cross-origin-resource-policy",
    }
)
"""What a browser would take as said of all that is at its origin: here that is Vestal, with its dashboard."""

_CORS = b"access-control-"
"""No page of another origin is to read through the proxy."""

_SERVERS = frozenset({b"date"})
"""What the daemon's own server writes on every answer; it may not stand there twice."""

_SANDBOX: Headers = [
    (b"content-security-policy", b"sandbox; default-src 'none'"),
    (b"x-content-type-options", b"nosniff"),
]
"""A service's page must not run in the dashboard's origin."""

_COOKIE = b"vestal"
"""How the names of our own cookies begin."""


def onward(headers: Iterable[tuple[bytes, bytes]], host: str, version: str) -> Headers:
    """The headers of a request as they go to `host`, but for its authorization. `version`: of the HTTP that it came by."""
    headers = list(headers)
    drop = _OURS | _named(headers)
    passed: Headers = [(b"host", host.encode("ascii"))]
    for name, value in headers:
        if name in drop or name.startswith(b"proxy-"):
            continue
        if name == b"cookie":
            value = b"; ".join(pair for pair in map(bytes.strip, value.split(b";")) if not _is_ours(pair))
            if not value:
                continue
        passed.append((name, value))
    chunked, length = framing(headers)
    if chunked:
        passed.append((b"transfer-encoding", b"chunked"))
    elif length is not None:
        passed.append((b"content-length", length))
    return [*passed, _via(version)]


def backward(
    headers: Iterable[tuple[bytes, bytes]],
    status: int,
    version: str,
    location: Callable[[str], str | None],
    path: bytes,
) -> Headers:
    """The headers of an answer as they go to the client. `location` says where a redirect leads from there, `path` where
    its cookies belong: those of one service are not for another, which has the same host here.

    The length goes where none may be (204: RFC 9110, 8.6) or where the message was chunked (RFC 9112, 6.3).
    """
    headers = [(name.lower(), value) for name, value in headers]
    drop = _OF_ORIGIN | _SERVERS | _named(headers)
    if status == 204 or framing(headers)[0]:
        drop |= {b"content-length"}
    passed: Headers = []
    for name, value in headers:
        if name in drop or name.startswith((b"proxy-", _CORS)) or (name == b"set-cookie" and _is_ours(value.strip())):
            continue
        if name == b"location":
            led = location(value.decode("latin-1"))
            if led is None:
                continue
            value = led.encode("latin-1")
        passed.append((name, _kept(value, path) if name == b"set-cookie" else value))
    return [*passed, *_SANDBOX, _via(version)]


def framing(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bool, bytes | None]:
    """Whether a message is chunked, and otherwise its length as it says (RFC 9112, 6.3)."""
    chunked, length = False, None
    for name, value in headers:
        if name == b"transfer-encoding":
            chunked = True
        elif name == b"content-length":
            length = value
    return chunked, None if chunked else length


def wants_upgrade(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the client wants to speak something else than HTTP from here on (RFC 9110, 7.8)."""
    headers = list(headers)
    return b"upgrade" in _options(headers) and any(name == b"upgrade" for name, _ in headers)


def all_of(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    """The value of a field, several lines joined as a list (RFC 9110, 5.3); None if there is none."""
    values = [value for name, value in headers if name.lower() == wanted]
    return b", ".join(values).decode("latin-1") if values else None


def _named(headers: Headers) -> frozenset[bytes]:
    """The hop-by-hop fields: those known, and those that Connection names."""
    return _HOP_BY_HOP | _options(headers)


def _options(headers: Headers) -> frozenset[bytes]:
    values = b",".join(value for name, value in headers if name == b"connection")
    return frozenset(option.strip().lower() for option in values.split(b","))


def _is_ours(cookie: bytes) -> bool:
    """Also without a name: `=vestal=x` is sent back as `vestal=x` (RFC 6265bis, section 5.8.3)."""
    return cookie.lower().lstrip(b"= \t").startswith(_COOKIE)


def _kept(cookie: bytes, path: bytes) -> bytes:
    """A cookie for `path` only, and for this host (RFC 6265, section 5.2)."""
    pair, *attributes = cookie.split(b";")
    kept = [each for each in attributes if each.partition(b"=")[0].strip().lower() not in (b"path", b"domain")]
    return b";".join([pair, *kept, b" Path=" + path])


def _via(version: str) -> tuple[bytes, bytes]:
    """RFC 9110, 7.6.3. It tells the service's answers from our own, which have none."""
    return b"via", f"{version} vestal".encode("ascii")
