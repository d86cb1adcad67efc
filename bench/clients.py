"""The HTTP clients that there are hooks for: each bare, with a header set by hand, and with its hook.

All read nothing from the environment (`trust_env`): a bare requests session looks for a netrc file before each request,
and one with a hook does not, which would flatter the hook.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack

from vestal.core.source import TokenSource

Get = Callable[[], int]
GetAsync = Callable[[], Awaitable[int]]
Sync = Callable[[ExitStack, str, TokenSource], tuple[Get, Get]]
Async = Callable[[AsyncExitStack, str, TokenSource], Awaitable[tuple[GetAsync, GetAsync]]]


def httpx2_sync(stack: ExitStack, url: str, source: TokenSource) -> tuple[Get, Get]:
    import httpx2

    from vestal.hooks.httpx2 import VestalAuth

    bare = stack.enter_context(httpx2.Client(headers=_by_hand(source), trust_env=False))
    hooked = stack.enter_context(httpx2.Client(auth=VestalAuth(source, origins=[url]), trust_env=False))
    return lambda: bare.get(url).status_code, lambda: hooked.get(url).status_code


def httpx_sync(stack: ExitStack, url: str, source: TokenSource) -> tuple[Get, Get]:
    import httpx

    from vestal.hooks.httpx import VestalAuth

    bare = stack.enter_context(httpx.Client(headers=_by_hand(source), trust_env=False))
    hooked = stack.enter_context(httpx.Client(auth=VestalAuth(source, origins=[url]), trust_env=False))
    return lambda: bare.get(url).status_code, lambda: hooked.get(url).status_code


def requests_sync(stack: ExitStack, url: str, source: TokenSource) -> tuple[Get, Get]:
    import requests

    from vestal.hooks.requests import VestalAuth

    bare, hooked = stack.enter_context(requests.Session()), stack.enter_context(requests.Session())
    bare.trust_env = hooked.trust_env = False
    bare.headers["Authorization"] = source.token().authorization
    hooked.auth = VestalAuth(source, origins=[url])
    return lambda: bare.get(url).status_code, lambda: hooked.get(url).status_code


def niquests_sync(stack: ExitStack, url: str, source: TokenSource) -> tuple[Get, Get]:
    import niquests

    from vestal.hooks.niquests import VestalAuth

    bare, hooked = stack.enter_context(niquests.Session()), stack.enter_context(niquests.Session())
    bare.trust_env = hooked.trust_env = False
    bare.headers["Authorization"] = source.token().authorization
    hooked.auth = VestalAuth(source, origins=[url])
    return lambda: bare.get(url).status_code or 0, lambda: hooked.get(url).status_code or 0


async def httpx2_async(stack: AsyncExitStack, url: str, source: TokenSource) -> tuple[GetAsync, GetAsync]:
    import httpx2

    from vestal.hooks.httpx2 import VestalAuth

    bare = await stack.enter_async_context(httpx2.AsyncClient(headers=_by_hand(source), trust_env=False))
    auth = VestalAuth(source, origins=[url])
    hooked = await stack.enter_async_context(httpx2.AsyncClient(auth=auth, trust_env=False))

    async def get_bare() -> int:
        return (await bare.get(url)).status_code

    async def get_hooked() -> int:
        return (await hooked.get(url)).status_code

    return get_bare, get_hooked


async def aiohttp_async(stack: AsyncExitStack, url: str, source: TokenSource) -> tuple[GetAsync, GetAsync]:
    import aiohttp

    from vestal.hooks.aiohttp import VestalAuth

    bare = await stack.enter_async_context(aiohttp.ClientSession(headers=_by_hand(source)))
    auth = VestalAuth(source, origins=[url])
    hooked = await stack.enter_async_context(aiohttp.ClientSession(middlewares=[auth]))

    async def get_bare() -> int:
        async with bare.get(url) as answer:
            await answer.read()
            return answer.status

    async def get_hooked() -> int:
        async with hooked.get(url) as answer:
            await answer.read()
            return answer.status

    return get_bare, get_hooked


SYNC: dict[str, Sync] = {
    "httpx2": httpx2_sync,
    "httpx": httpx_sync,
    "requests": requests_sync,
    "niquests": niquests_sync,
}
ASYNC: dict[str, Async] = {"httpx2 async": httpx2_async, "aiohttp": aiohttp_async}


def _by_hand(source: TokenSource) -> dict[str, str]:
    return {"Authorization": source.token().authorization}
