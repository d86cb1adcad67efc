"""The sender: the thin edge between a `Request` and the network, on httpx2.

It follows no redirects (a token endpoint that redirects would be sent secrets again, elsewhere), sends nothing in the
clear but to loopback, limits what it reads, and says of every failure whether the request may have arrived.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import ConfigError, HTTPError, NetworkError, Outcome, TimedOut, VestalError
from vestal.core.fork import Forked, tell
from vestal.core.loopback import is_loopback
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Text

if TYPE_CHECKING:
    import httpx2

CONNECT, READ = 10.0, 30.0
"""Seconds to wait for a connection, and for an answer once the request is sent."""

TOTAL = 60.0
"""Seconds that reading an answer may take in all, however steadily it drips."""

LARGEST = 1 << 20
"""Bytes of an answer that are read; no token endpoint says more."""

_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
"""RFC 6749, appendix B."""


class HTTPSender(Forked):
    """A `Send` on httpx2 with a pool of connections of its own. Safe for use from threads and after a fork."""

    def __init__(
        self, clock: Clock | None = None, *, connect: float = CONNECT, read: float = READ, total: float = TOTAL
    ) -> None:
        """Times are seconds."""
        self._clock: Clock = clock or SystemClock()
        self._limits = connect, read
        self._total = total
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        tell(self)

    def __call__(self, request: Request) -> Response:
        """Send, and read the whole answer. Raises `NetworkError`, `TimedOut`, `ConfigError` or `HTTPError`."""
        host = check_secure(request.url)
        sent_at = self._clock.now()
        result = self._exchange(self._open(), request, host, sent_at)
        if isinstance(result, VestalError):
            raise result  # here, where no frame of the HTTP client is under it
        return result

    def close(self) -> None:
        """Forget the client; the next request makes a new one.

        No connection is kept between requests, and a request under way is not cut: its outcome would be unknown, and a
        refresh token may hang on it.
        """
        with self._lock:
            self._client = None

    def in_child(self) -> None:
        """After a fork: another thread may have held the lock."""
        self._lock = threading.Lock()
        self._client = None

    def _exchange(self, client: httpx2.Client, request: Request, host: str, sent_at: float) -> Response | VestalError:
        """The answer, or the failure as a value: it is raised elsewhere, without the client's traceback."""
        import httpx2

        try:
            with client.stream(
                request.method,
                request.url,
                headers=plain(request.headers) | _content_type(request),
                data=None if request.form is None else plain(request.form),
                content=None if request.json is None else json.dumps(request.json, default=_reveal),
            ) as answer:
                limit = self._clock.steady() + self._total
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        return HTTPError(
                            f"{host} answered with more than {LARGEST} bytes",
                            remedy="check the address: this is no token endpoint",
                            outcome=Outcome.UNKNOWN,
                        )
                    if self._clock.steady() > limit:
                        return _timed_out(host, "did not finish its answer in time", Outcome.UNKNOWN)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status_code, headers, Secret(body.decode("latin-1")), sent_at)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError) as error:
            return failure(error, host)

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                from http.cookiejar import CookieJar, DefaultCookiePolicy

                import httpx2

                connect, read = self._limits
                self._client = httpx2.Client(
                    follow_redirects=False,
                    timeout=httpx2.Timeout(read, connect=connect),
                    headers={"User-Agent": "vestal", "Accept": "application/json"},
                    # One credential's cookies are nothing that another's request should carry.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                    mounts={"http://": None},  # plain http goes to this machine only, and so past any proxy
                    # A kept connection that the server has closed meanwhile would make an outcome unknown for nothing.
                    limits=httpx2.Limits(max_keepalive_connections=0),
                )
            return self._client


def failure(error: Exception, host: str) -> VestalError:
    """What an exception of httpx2 means, and whether the request may have arrived. `ValueError`: it was not put together."""
    import httpx2

    match error:
        case httpx2.ConnectTimeout():
            return _timed_out(host, "did not accept a connection in time", Outcome.NOT_SENT)
        case httpx2.PoolTimeout():
            return _timed_out(host, "kept all connections busy", Outcome.NOT_SENT)
        case httpx2.TimeoutException():
            return _timed_out(host, "did not answer in time", Outcome.UNKNOWN)
        case httpx2.ConnectError():
            return NetworkError(
                f"{host} can't be reached: {_cause(error)}", remedy="check the network", outcome=Outcome.NOT_SENT
            )
        case httpx2.ProxyError():  # it is asked for a tunnel, which nothing is sent through before it stands
            return NetworkError(
                f"the proxy gives no connection to {host}",
                remedy="check HTTPS_PROXY and the proxy",
                outcome=Outcome.NOT_SENT,
            )
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL() | httpx2.LocalProtocolError():
            return _unwritable(host, error)
        case httpx2.TransportError():
            return NetworkError(
                f"the connection to {host} broke: {type(error).__name__}",
                remedy="nothing to do: it is tried again if that is safe",
                outcome=Outcome.UNKNOWN,
            )
        case httpx2.HTTPError() | httpx2.StreamError():
            return HTTPError(f"{host} gave an unusable answer: {type(error).__name__}", outcome=Outcome.UNKNOWN)
    return _unwritable(host, error)


def plain(texts: Mapping[str, Text]) -> dict[str, str]:
    """Texts as they are sent. Use it in the expression that sends them."""
    return {name: _reveal(text) for name, text in texts.items()}


def _content_type(request: Request) -> dict[str, str]:
    """Said by us, since the client says nothing of a form without fields."""
    if request.json is not None:
        return _JSON
    return {} if request.form is None else _FORM


def _reveal(text: object) -> str:
    if not isinstance(text, str | Secret):
        raise ValueError("neither text nor a secret")
    return text.reveal() if isinstance(text, Secret) else text


def check_secure(url: str) -> str:
    """The host of an address that may be sent secrets: https, or plain http on this machine. Raises `ConfigError`."""
    scheme, host = _scheme_and_host(url)
    if not host or (scheme != "https" and not (scheme == "http" and is_loopback(host))):
        raise ConfigError(
            f"{scheme or 'no'}://{host} is not https",
            remedy="use https; plain http only for this machine",
            outcome=Outcome.NOT_SENT,
        )
    return host


def _scheme_and_host(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname or ""
    except ValueError:
        return "", ""


def _unwritable(host: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"the request to {host} can't be written: {type(error).__name__}",
        remedy="check the endpoint and the client's settings for odd characters",
        outcome=Outcome.NOT_SENT,
    )


def _timed_out(host: str, what: str, outcome: Outcome) -> TimedOut:
    return TimedOut(f"{host} {what}", remedy="wait: it is tried again if that is safe", outcome=outcome)


def _cause(error: BaseException) -> str:
    """The innermost cause in words: `Connection refused`, `Name or service not known`."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)[:120] or type(error).__name__
