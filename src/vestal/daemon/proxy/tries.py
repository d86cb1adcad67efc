"""The tries of one request: with a newer token where one is refused, on a new connection where a kept one was closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpcore2
import httpx2

from vestal.core.token import Token
from vestal.daemon.header_value import check_fit
from vestal.daemon.house import House
from vestal.daemon.proxy.failures import failure, is_stale
from vestal.daemon.proxy.headers import Headers, all_of
from vestal.daemon.proxy.target import Target
from vestal.daemon.proxy.upload import UPLOAD, Upload
from vestal.hooks.flow import Answer, Exchange
from vestal.hooks.hook import Hook

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that a proxy may send again by itself (RFC 9110, 9.2.2)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds."""

    connect: float = 10.0
    """For a connection, and for one of ours to be free."""
    answer: float = 60.0
    """For the service to take more of the request, and then to begin with its answer. It may go on as long as it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a service, but for the token."""

    name: str
    """The credential's."""
    method: str
    target: Target = field(repr=False)
    headers: Headers = field(repr=False)
    upload: Upload
    has_body: bool


class HouseSource:
    """A credential's source as the house gives it out: counted, and only while there is such a credential."""

    def __init__(self, house: House, name: str) -> None:
        self._house = house
        self._name = name

    def token(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """See `TokenSource.token`; not counted, since it is no client that asks."""
        return self._house.home.source(self._name).token(newer_than, min_ttl)

    async def atoken(self, newer_than: int | None = None, min_ttl: float | None = None) -> Token:
        """See `TokenSource.atoken`."""
        return await self._house.token(self._name, newer_than, min_ttl)

    def peek(self) -> Token | None:
        """See `TokenSource.peek`."""
        return self._house.home.source(self._name).peek()


class Tries(Hook):
    """The hook for the proxy: the client that it sends with is the bare pool of connections."""

    def __init__(
        self,
        pool: httpcore2.AsyncConnectionPool,
        patience: Patience,
        source: HouseSource,
        given: Callable[[Token], None],
    ) -> None:
        """`given` is told of every token that goes out."""
        super().__init__(source)
        self._pool = pool
        self._patience = patience
        self._given = given

    async def answer(self, request: Request) -> httpcore2.Response:
        """The service's answer, its body still to be read; a 401 only if no other token helps. Raises `VestalError`."""
        exchange = Exchange(await self._source.atoken(), request.target.base.origin)
        while True:
            signed = self._sign(exchange, request)
            response = await self._send(request, signed)
            if exchange.settled(response.status):
                return response
            try:
                again = await self._again_async(exchange, _seen(request, response))
            except BaseException:
                await release(response)
                raise
            if not again:
                return response
            await release(response)

    def _sign(self, exchange: Exchange, request: Request) -> httpx2.Headers:
        """The headers with the secret. This kind of mapping does not show it."""
        check_fit(exchange.token, request.name)
        signed = httpx2.Headers()
        exchange.sign(signed, request.method, request.target.url)
        self._given(exchange.token)
        return signed

    async def _send(self, request: Request, signed: httpx2.Headers) -> httpcore2.Response:
        """One try. One more if the connection had been kept and was closed meanwhile, where that can do no harm."""
        for last in (False, True):
            trouble: Exception
            try:
                return await self._exchange(request, signed)
            except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
                trouble = error
            repeatable = request.method in IDEMPOTENT and request.upload.replayable and is_stale(trouble)
            if last or not repeatable:
                break
        failed = failure(trouble, request.target.base.authority)
        failed.credential = request.name
        del trouble  # its frames know what was sent
        raise failed

    async def _exchange(self, request: Request, signed: httpx2.Headers) -> httpcore2.Response:
        base = request.target.base
        patience: dict[str, float | None] = {"connect": self._patience.connect, "pool": self._patience.connect}
        patience |= {"read": self._patience.answer, "write": self._patience.answer}
        sending = UPLOAD.set(request.upload if request.has_body else None)
        try:
            response = await self._pool.handle_async_request(
                httpcore2.Request(
                    request.method,
                    httpcore2.URL(scheme=base.scheme, host=base.host, port=base.port, target=request.target.path),
                    headers=[*request.headers, *signed.raw],
                    content=request.upload.body() if request.has_body else None,
                    extensions={"timeout": patience},
                )
            )
        finally:
            UPLOAD.reset(sending)
        patience["read"] = None  # looked at again when the body is read
        return response


_releases: set[asyncio.Task[None]] = set()


async def release(response: httpcore2.Response) -> None:
    """Give back a response's connection, or close it if there is more to come on it. Whoever is cancelled, it is done."""
    task = asyncio.ensure_future(response.aclose())
    _releases.add(task)
    task.add_done_callback(_releases.discard)
    await asyncio.shield(task)


def _seen(request: Request, response: httpcore2.Response) -> Answer:
    return Answer(
        status=response.status,
        url=request.target.url,
        challenges=all_of(response.headers, b"www-authenticate") or "",
        nonce=all_of(response.headers, b"dpop-nonce"),
        carried=True,
        replayable=request.upload.replayable,
    )
