"""The senders of APIs: keep connections, carry any size, follow nothing. One for threads, one for asyncio.

Token endpoints have a stricter one (`vestal.http`), which keeps no connection, since an unknown outcome costs more there.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from vestal.core.clock import Clock, SystemClock
from vestal.core.errors import HTTPError, NetworkError, Outcome, TimedOut, VestalError
from vestal.core.fork import Forked, tell
from vestal.http import check_secure, failure, plain
from vestal.services.exchange import APIRequest, APIResponse

if TYPE_CHECKING:
    import httpx2

CONNECT, READ = 10.0, 60.0
"""Seconds to wait for a connection, and for the next part of an answer."""

TOTAL = 300.0
"""Seconds that an answer may take in all, however steadily it drips."""

LARGEST = 512 << 20
"""Bytes of an answer that are read. GitHub's largest blobs are of 100 MB."""

CONNECTIONS = 128
"""How many at once. What a service allows is kept elsewhere; this only must not be less."""


class APISender(Forked):
    """Sends with a pool of connections of its own. Safe for use from threads and after a fork."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        connect: float = CONNECT,
        read: float = READ,
        total: float = TOTAL,
        largest: int = LARGEST,
    ) -> None:
        """Times are seconds."""
        self._clock: Clock = clock or SystemClock()
        self._limits = connect, read
        self._most = total, largest
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None
        tell(self)

    def __call__(self, request: APIRequest) -> APIResponse:
        """Send, and read the whole answer. Raises `NetworkError`, `TimedOut`, `ConfigError` or `HTTPError`."""
        result = self._exchange(request, check_secure(request.url))
        if result is None:
            raise KeyboardInterrupt
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

    def _exchange(self, request: APIRequest, host: str) -> APIResponse | VestalError | None:
        """The answer, or the failure as a value (None: interrupted): it is raised without the client's traceback, which
        holds the token.
        """
        import httpx2

        client = self._open()
        sent_at, reading = self._clock.now(), _Reading(self._clock, host, *self._most)
        try:
            with client.stream(
                request.method, request.url, headers=plain(request.headers), content=request.body
            ) as answer:
                for chunk in answer.iter_bytes():
                    if (trouble := reading.took(chunk)) is not None:
                        return trouble
            return reading.answer(answer, sent_at, request.url)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError) as error:
            return failure(error, host)
        except RuntimeError:
            return _closed(host)
        except KeyboardInterrupt:
            return None

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._client is None:
                import httpx2

                self._client = httpx2.Client(**_options(*self._limits))
            return self._client


class AsyncAPISender:
    """The same for asyncio. Each event loop has connections of its own; `close` closes those of the one it is called in."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        connect: float = CONNECT,
        read: float = READ,
        total: float = TOTAL,
        largest: int = LARGEST,
    ) -> None:
        """Times are seconds."""
        self._clock: Clock = clock or SystemClock()
        self._limits = connect, read
        self._most = total, largest
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    async def __call__(self, request: APIRequest) -> APIResponse:
        """As `APISender`."""
        result = await self._exchange(request, check_secure(request.url))
        if isinstance(result, tuple):
            raise asyncio.CancelledError(*result)
        if isinstance(result, VestalError):
            raise result
        return result

    async def close(self) -> None:
        """Close the connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    async def _exchange(self, request: APIRequest, host: str) -> APIResponse | VestalError | tuple[object, ...]:
        """As of `APISender`; what the cancellation said, if it was cancelled."""
        import httpx2

        client = self._open()
        sent_at, reading = self._clock.now(), _Reading(self._clock, host, *self._most)
        try:
            async with client.stream(
                request.method, request.url, headers=plain(request.headers), content=request.body
            ) as answer:
                async for chunk in answer.aiter_bytes():
                    if (trouble := reading.took(chunk)) is not None:
                        return trouble
            return reading.answer(answer, sent_at, request.url)
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, ValueError) as error:
            return failure(error, host)
        except RuntimeError:
            return _closed(host)
        except asyncio.CancelledError as cancelled:
            return cancelled.args

    def _open(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            import httpx2

            client = self._clients[loop] = httpx2.AsyncClient(**_options(*self._limits))
        return client


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


class _Reading:
    """An answer as it comes in."""

    def __init__(self, clock: Clock, host: str, total: float, largest: int) -> None:
        self._clock = clock
        self._host = host
        self._total = total
        self._largest = largest
        self._until = clock.steady() + total
        self._body = bytearray()

    def took(self, chunk: bytes) -> VestalError | None:
        """With a further part of it; the trouble, if that is too much."""
        self._body += chunk
        if len(self._body) > self._largest:
            return HTTPError(
                f"{self._host} answered with more than {self._largest} bytes",
                remedy="ask for less at once",
                outcome=Outcome.UNKNOWN,
                code="large_response",
            )
        if self._clock.steady() > self._until:
            return TimedOut(
                f"{self._host} did not finish its answer within {self._total:g} s",
                remedy="wait: it is tried again if that is safe",
                outcome=Outcome.UNKNOWN,
            )
        return None

    def answer(self, answer: httpx2.Response, sent_at: float, url: str) -> APIResponse:
        """The whole."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return APIResponse(answer.status_code, headers, bytes(self._body), sent_at, url)


def _closed(host: str) -> NetworkError:
    """The HTTP client, or the event loop that it was made in, was closed under it."""
    return NetworkError(
        f"the connection to {host} was closed here",
        remedy="close a client when nothing is under way any more",
        outcome=Outcome.UNKNOWN,
    )
