"""A Starlette application that says hello, at a Unix socket and at a TCP port, in a process of its own.

`python -m bench.bare PATH daemon` serves it with the very server that the daemon has: its connections, its limits, its
garbage collection. `... PATH uvicorn` serves it with uvicorn as it comes. Says its port when it listens; ends when its
standard input does.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket as Socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from vestal.daemon.listening import tcp_socket, unix_socket
from vestal.daemon.server import _server

HELLO = "GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@dataclass(frozen=True)
class Bare:
    """One that runs."""

    pid: int
    socket: str
    tcp: tuple[str, int]


@contextmanager
def bare(path: Path, server: str) -> Iterator[Bare]:
    """One that runs, with the server `daemon` or `uvicorn`."""
    command = [sys.executable, "-m", "bench.bare", str(path), server]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Bare(process.pid, str(path), ("127.0.0.1", int(process.stdout.readline())))
        finally:
            process.stdin.close()


async def _hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


def main() -> None:
    path, server = sys.argv[1:]
    app = Starlette(routes=[Route("/hello", _hello)])
    sockets = [unix_socket(Path(path)), tcp_socket("127.0.0.1", 0)]
    threading.Thread(target=_end_with_standard_input, daemon=True).start()

    def ready() -> None:
        gc.collect()
        gc.freeze()
        print(sockets[1].getsockname()[1], flush=True)

    if server == "daemon":
        gc.set_threshold(10_000, 20, 20)  # as `vestal serve`
        _server(app, None, ready=ready, draining=lambda: None, stop=lambda: None).run(sockets)
    else:
        config = uvicorn.Config(app, loop="asyncio", http="h11", ws="none", log_config=None, access_log=False)
        asyncio.run(_as_it_comes(uvicorn.Server(config), sockets, ready))


async def _as_it_comes(server: uvicorn.Server, sockets: list[Socket], ready: Callable[[], None]) -> None:
    serving = asyncio.ensure_future(server.serve(sockets))
    while not server.started:
        await asyncio.sleep(0.01)
    ready()
    await serving


def _end_with_standard_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
