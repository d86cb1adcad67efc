"""`Passage`: one request through the proxy, and `Proxy`: what all of them share."""

from __future__ import annotations

import logging
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, cast

import httpcore2
from starlette.responses import Response

from vestal.core.errors import HTTPError
from vestal.core.token import Token
from vestal.daemon.access import Grantee
from vestal.daemon.auth import address_of, demand, grantee_of
from vestal.daemon.house import House
from vestal.daemon.problem import Refusal, unknown_credential
from vestal.daemon.proxy.headers import backward, framing, onward, wants_upgrade
from vestal.daemon.proxy.places import Places
from vestal.daemon.proxy.target import Base, Target, aims, homeward, target
from vestal.daemon.proxy.tries import HouseSource, Patience, Request, Tries, release
from vestal.daemon.proxy.upload import Gone, Upload
from vestal.daemon.proxy.wire import Backend, alive

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

    from starlette.types import Message, Receive, Scope, Send

CONNECTIONS, KEPT, KEPT_FOR = 256, 32, 4.0
"""Connections to services at once, those kept open without a request, and for how many seconds: less than the 5 after which
many servers close them."""

_log = logging.getLogger("vestal.daemon")
_audit = logging.getLogger("vestal.audit")


class Proxy:
    """The way out of one daemon. For one event loop; `aclose` it there."""

    def __init__(
        self, house: House, patience: Patience | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """`ssl_context`: whom to trust; by default as token endpoints are trusted."""
        self._house = house
        self._ssl_context = ssl_context
        self._patience = patience or Patience()
        self._places = Places(house)
        self._pool: httpcore2.AsyncConnectionPool | None = None

    async def aclose(self) -> None:
        """Close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()

    async def find(self, scope: Scope) -> tuple[Grantee, str, Target, tuple[Base, ...]]:
        """Who asks, for which credential, for which address. Raises `VestalError`."""
        grantee = grantee_of(scope)
        ways = aims(scope["raw_path"])
        if not ways:
            raise unknown_credential(scope["path"].removeprefix("/proxy/"))
        mine = [aim for aim in ways if grantee.may("token", aim.name)]
        if not mine:
            demand(scope, "token", ways[-1].name)
        found = await self._places.first([aim.name for aim in mine])
        if found is None:
            raise unknown_credential(mine[-1].name)
        name, bases = found
        aim = next(aim for aim in mine if aim.name == name)
        return grantee, name, target(aim, bases, scope["query_string"]), bases

    async def answer(self, scope: Scope, upload: Upload) -> tuple[httpcore2.Response, str, Target, tuple[Base, ...]]:
        """Ask the service. Raises `VestalError`."""
        grantee, name, there, bases = await self.find(scope)
        if wants_upgrade(scope["headers"]):
            raise Refusal(
                501,
                "the proxy speaks plain HTTP only",
                credential=name,
                remedy="for WebSockets, put a gateway in front of the service that asks /auth for the header",
            )
        request = Request(
            name=name,
            method=scope["method"],
            target=there,
            headers=onward(scope["headers"], there.base.authority, scope["http_version"]),
            upload=upload,
            has_body=framing(scope["headers"]) not in ((False, None), (False, b"0")),
        )
        if not request.has_body:
            upload.end()

        def given(token: Token) -> None:
            _audit.info(
                "proxied credential=%s version=%d to=%s from=%s host=%s",
                name,
                token.version,
                grantee.name,
                address_of(scope),
                there.base.authority,
            )

        tries = Tries(self._open(), self._patience, HouseSource(self._house, name), given)
        return await tries.answer(request), name, there, bases

    def is_us(self, scope: Scope) -> Callable[[Base], bool]:
        """Whether an address leads whoever asked so to Vestal itself, by a name that the gate takes."""
        hosts = self._house.limits.hosts
        called = next((value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"), "")
        port = (scope.get("server") or ("", None))[1]

        def judge(there: Base) -> bool:
            name = f"[{there.host}]" if ":" in there.host else there.host
            if there.authority == called:
                return True
            if port is None:  # a client of the socket takes whatever host there is to be at the socket
                return name in hosts or "." not in name
            return name in hosts and there.port == port

        return judge

    def _open(self) -> httpcore2.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore2.AsyncConnectionPool(
                ssl_context=self._ssl_context or httpcore2.default_ssl_context(),
                max_connections=CONNECTIONS,
                max_keepalive_connections=KEPT,
                keepalive_expiry=KEPT_FOR,
                network_backend=Backend(),
                socket_options=alive(),
            )
        return self._pool


class Passage(Response):
    """The service's answer to one request, chunk by chunk as it comes."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__()
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ask the service and pass its answer on. Raises `VestalError` while nothing of that has been sent."""
        upload = Upload(receive)
        with suppress(Gone):
            async with upload.attended():
                response, name, there, bases = await self._proxy.answer(scope, upload)
                upload.end()
                whole = False
                try:
                    await send(_start(response, name, there, bases, self._proxy.is_us(scope)))
                    whole = await _pass_on(response, send)
                finally:
                    await release(response)
                if not whole:  # and so the connection to the client ends in the middle of the answer
                    _log.warning("%s ended its answer too early credential=%s", there.base.authority, name)
                    return
                await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(
    response: httpcore2.Response, name: str, at: Target, bases: tuple[Base, ...], is_us: Callable[[Base], bool]
) -> Message:
    """How the answer begins. Raises `HTTPError` for one that can't be passed on."""
    if not 200 <= response.status <= 599:
        host = at.base.authority
        raise HTTPError(f"{host} answered with the status {response.status}", credential=name, remedy="ask it directly")
    version: bytes = response.extensions["http_version"]
    headers = backward(
        response.headers,
        response.status,
        version.decode("ascii").removeprefix("HTTP/"),
        lambda location: homeward(location, at, name, bases, is_us),
        f"/proxy/{name}".encode("ascii"),
    )
    return {"type": "http.response.start", "status": response.status, "headers": headers}


async def _pass_on(response: httpcore2.Response, send: Send) -> bool:
    """Send the body; whether it came to its end."""
    stream = cast("AsyncIterable[bytes]", response.stream)
    async with aclosing(cast("AsyncGenerator[bytes]", aiter(stream))) as chunks:
        try:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
            return False
    return True
