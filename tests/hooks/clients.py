"""The real HTTP clients behind one small face, so that one matrix of tests runs over all of them."""

from __future__ import annotations

import asyncio
import io
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx
import httpx2
import niquests
import requests

from vestal.core.source import TokenSource
from vestal.hooks import aiohttp as aiohttp_hook
from vestal.hooks import httpx as httpx_hook
from vestal.hooks import httpx2 as httpx2_hook
from vestal.hooks import niquests as niquests_hook
from vestal.hooks import requests as requests_hook


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes


Headers = Mapping[str, str] | None
CHUNKS = (b"one", b"two")


def _chunks() -> Iterator[bytes]:
    yield from CHUNKS


async def _async_chunks() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield chunk


class Client(ABC):
    """What the tests ask of a client; it follows redirects."""

    @abstractmethod
    def send(self, method: str, url: str, content: bytes | None = None, headers: Headers = None) -> Reply: ...
    @abstractmethod
    def send_stream(self, url: str) -> Reply:
        """POST `CHUNKS` from a generator."""

    @abstractmethod
    def send_file(self, url: str, file: io.BytesIO) -> Reply:
        """Upload a file, the way that the client can repeat."""

    @abstractmethod
    def send_many(self, count: int, url: str) -> list[int]:
        """GET `url` `count` times at once; the statuses."""

    @abstractmethod
    def close(self) -> None: ...

    def get(self, url: str, headers: Headers = None) -> Reply:
        return self.send("GET", url, headers=headers)


class Httpx(Client):
    def __init__(self, client: Any) -> None:
        self._client = client

    def send(self, method: str, url: str, content: bytes | None = None, headers: Headers = None) -> Reply:
        return self._reply(self._client.request(method, url, content=content, headers=headers))

    def send_stream(self, url: str) -> Reply:
        return self._reply(self._client.post(url, content=_chunks()))

    def send_file(self, url: str, file: io.BytesIO) -> Reply:
        return self._reply(self._client.post(url, files={"file": file}))

    def send_many(self, count: int, url: str) -> list[int]:
        with ThreadPoolExecutor(count) as pool:
            return [reply.status for reply in pool.map(self.get, [url] * count)]

    def close(self) -> None:
        self._client.close()

    def _reply(self, response: Any) -> Reply:
        return Reply(response.status_code, response.content)


class Requests(Httpx):
    def send(self, method: str, url: str, content: bytes | None = None, headers: Headers = None) -> Reply:
        return self._reply(self._client.request(method, url, data=content, headers=headers))

    def send_stream(self, url: str) -> Reply:
        return self._reply(self._client.post(url, data=_chunks()))

    def send_file(self, url: str, file: io.BytesIO) -> Reply:
        return self._reply(self._client.post(url, data=file))


class Async(Client):
    """Runs a client's coroutines in an event loop of its own."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._runner = asyncio.Runner()
        try:
            self._client = self._run(self._made(make))
        except BaseException:
            self._runner.close()
            raise

    async def _made(self, make: Callable[[], Any]) -> Any:
        return make()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    @abstractmethod
    async def _send(self, method: str, url: str, content: Any = None, headers: Headers = None) -> Reply: ...
    async def _send_file(self, url: str, file: io.BytesIO) -> Reply:
        return await self._send("POST", url, file)

    def send(self, method: str, url: str, content: bytes | None = None, headers: Headers = None) -> Reply:
        reply: Reply = self._run(self._send(method, url, content, headers))
        return reply

    def send_stream(self, url: str) -> Reply:
        reply: Reply = self._run(self._send("POST", url, _async_chunks()))
        return reply

    def send_file(self, url: str, file: io.BytesIO) -> Reply:
        reply: Reply = self._run(self._send_file(url, file))
        return reply

    def send_many(self, count: int, url: str) -> list[int]:
        async def all_of_them() -> list[int]:
            return [reply.status for reply in await asyncio.gather(*(self._send("GET", url) for _ in range(count)))]

        statuses: list[int] = self._run(all_of_them())
        return statuses

    def close(self) -> None:
        self._run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self._client.close()


class AsyncHttpx(Async):
    async def _send(self, method: str, url: str, content: Any = None, headers: Headers = None) -> Reply:
        response = await self._client.request(method, url, content=content, headers=headers)
        return Reply(response.status_code, response.content)

    async def _send_file(self, url: str, file: io.BytesIO) -> Reply:
        response = await self._client.post(url, files={"file": file})
        return Reply(response.status_code, response.content)

    async def _close(self) -> None:
        await self._client.aclose()


class AsyncNiquests(Async):
    async def _send(self, method: str, url: str, content: Any = None, headers: Headers = None) -> Reply:
        response = await self._client.request(method, url, data=content, headers=headers)
        return Reply(response.status_code, response.content)


class Aiohttp(Async):
    async def _send(self, method: str, url: str, content: Any = None, headers: Headers = None) -> Reply:
        async with self._client.request(method, url, data=content, headers=headers) as response:
            return Reply(response.status, await response.read())


def _requests(source: TokenSource, origins: Iterable[str]) -> Client:
    session = requests.Session()
    session.auth = requests_hook.VestalAuth(source, origins)
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=100))
    return Requests(session)


def _niquests(source: TokenSource, origins: Iterable[str]) -> Client:
    session = niquests.Session(pool_maxsize=100)
    session.auth = niquests_hook.VestalAuth(source, origins)
    return Requests(session)


def _async_niquests(source: TokenSource, origins: Iterable[str]) -> Client:
    def make() -> niquests.AsyncSession:
        session = niquests.AsyncSession(pool_maxsize=100)
        session.auth = niquests_hook.AsyncVestalAuth(source, origins)  # type: ignore[assignment]  # typed as sync's
        return session

    return AsyncNiquests(make)


TLS = ssl.create_default_context()  # one for all: making it is most of the work of making an httpx client
Connect = Callable[[TokenSource, Iterable[str]], Client]

CLIENTS: dict[str, Connect] = {
    "httpx2": lambda source, origins: Httpx(
        httpx2.Client(auth=httpx2_hook.VestalAuth(source, origins), follow_redirects=True, verify=TLS)
    ),
    "httpx2-async": lambda source, origins: AsyncHttpx(
        lambda: httpx2.AsyncClient(auth=httpx2_hook.VestalAuth(source, origins), follow_redirects=True, verify=TLS)
    ),
    "httpx": lambda source, origins: Httpx(
        httpx.Client(auth=httpx_hook.VestalAuth(source, origins), follow_redirects=True, verify=TLS)
    ),
    "httpx-async": lambda source, origins: AsyncHttpx(
        lambda: httpx.AsyncClient(auth=httpx_hook.VestalAuth(source, origins), follow_redirects=True, verify=TLS)
    ),
    "requests": _requests,
    "aiohttp": lambda source, origins: Aiohttp(
        lambda: aiohttp.ClientSession(middlewares=[aiohttp_hook.VestalAuth(source, origins)])
    ),
    "niquests": _niquests,
    "niquests-async": _async_niquests,
}
