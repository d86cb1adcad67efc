"""A daemon served over TCP, a service that does what a test tells it, byte by byte, and tokens that count up."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from vestal.core.credential import App
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Send
from vestal.daemon.app import make_app
from vestal.daemon.connection import Connection
from vestal.daemon.house import House
from vestal.daemon.listening import tcp_socket
from vestal.daemon.proxy.passage import Proxy
from vestal.daemon.proxy.tries import Patience
from vestal.home import Home

WITHIN = 30.0
"""Seconds in which whatever a test waits for must happen."""


class Call:
    """One connection to the service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.line = b""
        self.headers: list[tuple[bytes, bytes]] = []

    async def head(self) -> Call:
        """Read the head of the next request."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        self.line = lines[0]
        self.headers = [
            (name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines[1:-2])
        ]
        return self

    def all(self, name: bytes) -> list[bytes]:
        return [value for each, value in self.headers if each == name]

    async def body(self) -> bytes:
        """The body of that request, to its end."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        if self.all(b"transfer-encoding"):
            while size := int(await self.reader.readline(), 16):
                yield await self.reader.readexactly(size)
                await self.reader.readline()
            await self.reader.readline()
        elif self.all(b"content-length"):
            yield await self.reader.readexactly(int(self.all(b"content-length")[0]))

    def say(self, text: bytes) -> None:
        self.writer.write(text)

    def answer(self, status: int = 200, body: bytes = b"", *headers: bytes) -> None:
        lines = [b"HTTP/1.1 %d Whatever" % status, b"Content-Length: %d" % len(body), *headers, b"", body]
        self.say(b"\r\n".join(lines))

    async def left(self) -> None:
        """Wait until the other end has gone."""
        while await self.reader.read(65536):
            pass


Handler = Callable[[Call], Awaitable[None]]


class Service:
    """A server on 127.0.0.1. `handler` serves one connection."""

    def __init__(self) -> None:
        self.handler: Handler
        self.port = 0
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._trouble: list[BaseException] = []

        self._servers: list[asyncio.Server] = []

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen at one more port."""
        self._servers.append(await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls))
        self.port = self._servers[-1].sockets[0].getsockname()[1]

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.ensure_future(self._handle(Call(reader, writer)))
        self._tasks.add(task)

    async def _handle(self, call: Call) -> None:
        try:
            await self.handler(call)
            await call.writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:
            self._trouble.append(error)
        finally:
            call.writer.close()

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server in self._servers:
            await server.wait_closed()
        assert not self._trouble, self._trouble

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Tokens:
    """A token endpoint: at-1, at-2, ..."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, request: Request) -> Response:
        self.given += 1
        fields = {"access_token": f"at-{self.given}", "token_type": "Bearer", "expires_in": 3600}
        return Response(200, {"content-type": "application/json"}, Secret(json.dumps(fields)), 0.0)


class World:
    """All of it."""

    def __init__(self, folder: Path, send: Send | None = None) -> None:
        """`send`: what token endpoints are asked with."""
        self.service = Service()
        self.tokens = Tokens()
        self.home = Home(folder / "home", send=send or self.tokens)
        self.house = House(self.home)
        self.app: Any = make_app(self.house, [APIRouter(lifespan=self._meet)])
        self.state = ServerState()
        self.writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def _meet(self, app: FastAPI) -> AsyncIterator[None]:
        self.routes = app
        yield

    async def start(self) -> None:
        await self.service.start()
        config = uvicorn.Config(self.app, http=Connection, ws="none", log_config=None, lifespan="on")
        config.load()
        self._lifespan = LifespanOn(config)
        await self._lifespan.startup()
        bound = tcp_socket("127.0.0.1", 0)
        self.port = bound.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(config=config, server_state=self.state, app_state={}), sock=bound
        )
        self.key = (await asyncio.to_thread(self.house.access.add, "robot", ["*"], ["token"])).reveal()
        self.add("acme")
        self.client = self.client_with(self.key)

    async def stop(self) -> None:
        await self.client.aclose()
        for writer in self.writers:
            writer.close()
        for connection in list(self.state.connections):
            assert isinstance(connection, Connection)
            connection.transport.abort()
        await asyncio.wait_for(asyncio.gather(*self.state.tasks, return_exceptions=True), WITHIN)
        await self._lifespan.shutdown()
        self._server.close()
        await self._server.wait_closed()
        await self.service.stop()
        self.house.close()
        self.home.close()

    def client_with(self, key: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {key}"}, timeout=WITHIN
        )

    def add(self, name: str, **settings: str) -> None:
        """A credential for the service."""
        app = App(
            provider="custom",
            client_id="me",
            client_secret=Secret("my-secret"),
            grant="client_credentials",
            settings={"token_url": "https://login.example/token", "api_url": self.service.url, **settings},
        )
        self.home.add(name, app, over=True)

    def patient(self, **seconds: float) -> None:
        """Have another patience from now on."""
        self.routes.state.proxy = Proxy(self.house, Patience(**seconds))

    async def connect(self) -> Call:
        """A connection to the daemon, to speak HTTP on byte by byte."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        return Call(reader, writer)

    async def ask(self, line: str, *headers: str, body: bytes = b"") -> Call:
        """A connection on which a request has been sent."""
        call = await self.connect()
        lines = [line + " HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Authorization: Bearer {self.key}", *headers]
        call.say("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return call


async def in_pieces(text: bytes, size: int = 50_000) -> AsyncIterator[bytes]:
    """A body that is sent bit by bit."""
    for start in range(0, len(text), size):
        yield text[start : start + size]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.start()
    yield made
    await made.stop()
