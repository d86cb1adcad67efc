"""The hook for aiohttp: a client middleware.

    auth = VestalAuth(source, origins=["https://api.example.com"])
    session = aiohttp.ClientSession(middlewares=[auth])

Or for a single request: `session.get(url, middlewares=[auth])`.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, MultipartWriter, Payload

from vestal.core.errors import ConfigError
from vestal.core.source import TokenSource
from vestal.hooks.flow import Answer, Exchange
from vestal.hooks.hook import Hook


class VestalAuth(Hook):
    """Keeps the requests of an aiohttp session authorized; see `vestal.hooks.hook.Hook` for what it does and does not.

    aiohttp runs its middlewares again for each hop of a redirect and does not tell them which hop they see. So `origins`
    must be given here: it alone binds the token. (A redirect from one listed origin to another goes with the token.)
    """

    def __init__(self, source: TokenSource, origins: Iterable[str]) -> None:
        """Raises ConfigError if `origins` is empty, or holds what is not an origin or plain http to another machine."""
        super().__init__(source, origins)
        if not self._origins:
            raise ConfigError(
                "the hook for aiohttp has no origins",
                remedy="list those that get the token: origins=['https://api.example.com']",
            )

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """One hop of a request."""
        url = request.url
        origin = f"{url.scheme}://{url.raw_authority}"
        if not self._origins.carry(origin):
            return await handler(request)
        exchange = Exchange(await self._source.atoken(), origin)
        while True:
            exchange.sign(request.headers, request.method, url)
            response = await handler(request)
            if exchange.settled(response.status) or not await self._again_async(
                exchange, _answer(exchange, request, response)
            ):
                return response
            # To its end, which lets the connection be used again and stops what still writes the body.
            await response.read()
            request.update_expect_continue()  # the next try waits for a "100 Continue" of its own


def _answer(exchange: Exchange, request: ClientRequest, response: ClientResponse) -> Answer:
    return Answer(
        status=response.status,
        url=str(request.url),
        challenges=", ".join(response.headers.getall("WWW-Authenticate", ())),
        nonce=response.headers.get("DPoP-Nonce"),
        carried=exchange.carried_by(request.headers),
        replayable=_is_replayable(request.body),
    )


def _is_replayable(body: Payload | bytes) -> bool:
    """Whether aiohttp can send `body` twice: it rewinds files by itself, and marks what it can't as consumed.

    Older ones (3.14.0) forget the parts of a form in that, and the oldest (3.12.0) have no mark at all.
    """
    if isinstance(body, MultipartWriter):
        return all(_is_replayable(part) for part, *_ in body)
    return isinstance(body, bytes) or not getattr(body, "consumed", True)
