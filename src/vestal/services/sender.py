"""The senders of APIs: keep connections, carry any size, follow nothing. One for threads, one for asyncio.

Token endpoints have a stricter one (`vestal.http`), which keeps no connection, since an unknown outcome costs more there.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import VestalError
from vestal.core.fork import Forked, tell
from vestal.http import check_secure, failure, plain
from vestal.services.exchange import APIRequest, APIResponse

if TYPE_CHECKING:
    import httpx2

CONNECT, READ = 10.0, 60.0
"""Seconds to wait for a connection, and for the next part of an answer."""

CONNECTIONS = 128
"""How many at once. What a service allows is kept elsewhere; this only must not be less."""


class APISender(Forked):
    """Sends with a pool of connections of its own. Safe for use from threads and after a fork."""

    def __init__(self, clock: Clock | None = None, *, connect: float = CONNECT, read: float = READ) -> None:
        """Times are seconds."""
        self._clock: Clock = clock or SystemClock()
        self._limits = connect, read
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        tell(self)

    def __call__(self, request: APIRequest) -> APIResponse:
        """Send, and read the whole answer. Raises `NetworkError`, `TimedOut`, `ConfigError` or `HTTPError`."""
        result = self._exchange(request, check_secure(request.url))
        if isinstance(result, VestalError):
            raise result
        return result

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def in_child(self) -> None:
        """The connections are the parent's."""
        self._lock = threading.Lock()
        self._client = None

    def _exchange(self, request: APIRequest, host: str) -> APIResponse | VestalError:
        """The answer, or the failure as a value: it is raised without the client's traceback, which holds the token."""
        import httpx2

        client = self._open()
        sent_at = self._clock.now()
        try:
            answer = client.request(request.method, request.url, headers=plain(request.headers), content=request.body)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError) as error:
            return failure(error, host)
        return _read(answer, sent_at, request.url)

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                import httpx2

                self._client = httpx2.Client(**_options(*self._limits))
            return self._client


class AsyncAPISender:
    """The same for one event loop."""

    def __init__(self, clock: Clock | None = None, *, connect: float = CONNECT, read: float = READ) -> None:
        """Times are seconds."""
        self._clock: Clock = clock or SystemClock()
        self._limits = connect, read
        self._client: httpx2.AsyncClient | None = None

    async def __call__(self, request: APIRequest) -> APIResponse:
        """As `APISender`."""
        result = await self._exchange(request, check_secure(request.url))
        if isinstance(result, VestalError):
            raise result
        return result

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _exchange(self, request: APIRequest, host: str) -> APIResponse | VestalError:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(**_options(*self._limits))
        sent_at = self._clock.now()
        try:
            answer = await self._client.request(
                request.method, request.url, headers=plain(request.headers), content=request.body
            )
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError) as error:
            return failure(error, host)
        return _read(answer, sent_at, request.url)


def _options(connect: float, read: float) -> dict[str, Any]:
    from http.cookiejar import CookieJar, DefaultCookiePolicy

    import httpx2

    return {
        "follow_redirects": False,
        "timeout": httpx2.Timeout(read, connect=connect),
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        "mounts": {"http://": None},  # plain http goes to this machine only, and so past any proxy
        "limits": httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
    }


def _read(answer: httpx2.Response, sent_at: float, url: str) -> APIResponse:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return APIResponse(answer.status_code, headers, answer.content, sent_at, url)
