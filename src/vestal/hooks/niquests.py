"""The hooks for niquests: `VestalAuth` for a `Session`, `AsyncVestalAuth` for an `AsyncSession`.

    session = niquests.Session()
    session.auth = VestalAuth(source, origins=["https://api.example.com"])

Or for a single request: `session.get(url, auth=VestalAuth(source))`.

Answers of a multiplexed session are filled in place, so there a refused request is not sent again: the source is told, and
the caller gets the 401.
"""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from niquests import PreparedRequest
from niquests.auth import AsyncAuthBase, AuthBase
from niquests.utils import rewind_body

from vestal.hooks.flow import Exchange
from vestal.hooks.like_requests import LikeRequests, origin_of, take_request


class VestalAuth(LikeRequests, AuthBase):
    """Keeps the requests of a session authorized; see `vestal.hooks.hook.Hook` for what it does and does not."""

    rewind = staticmethod(rewind_body)


class AsyncVestalAuth(LikeRequests, AsyncAuthBase):
    """The same for an `AsyncSession`, awaiting the source."""

    rewind = staticmethod(rewind_body)

    async def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign a prepared request and await its answers."""
        assert r.url is not None
        assert r.method is not None
        assert r.headers is not None
        origin = origin_of(r.url)
        if self._origins.carry(origin):
            exchange = Exchange(await self._source.atoken(), origin)
            exchange.sign(r.headers, r.method, r.url)
            r.register_hook("response", partial(self._answered_async, exchange))
        return r

    async def _answered_async(self, exchange: Exchange, response: Any, **options: Any) -> Any:
        status = response.status_code
        while not exchange.settled(status) and await self._again_async(
            exchange, self._answer(exchange, response, options)
        ):
            refused, request = response, take_request(response)
            await refused.content
            await refused.close()
            exchange.sign(request.headers, request.method, request.url)
            response = await refused.connection.send(request, **options)
            response.history = [*refused.history, refused]
            status = response.status_code
        exchange.finish(status)
        return response

    def _rewound(self, request: Any) -> bool:
        # A file whose `seek` must be awaited is not brought back here.
        return not inspect.iscoroutinefunction(getattr(request.body, "seek", None)) and super()._rewound(request)
