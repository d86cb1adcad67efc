"""`vestal serve` with a tiny application in the place of the API, steered by files in the folder TINY.

/healthz    200
/peer       what the server knows of the peer
/slow       makes the file `began`, answers when `go` is there
/events     a stream of events without an end
/read       reads the body, and says how much it was
/flood      sends without an end
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from vestal.cli.daemon import daemon_options
from vestal.daemon.process.logs import log_to_files, log_to_stderr
from vestal.daemon.process.start import Options
from vestal.daemon.server import Parts, serve
from vestal.home import Home

TINY = Path(os.environ.get("TINY", "."))


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    path = scope["path"]
    if path == "/events":
        await answer(send, b"data: hello\n\n", kind=b"text/event-stream", more=True)
        while (await receive())["type"] != "http.disconnect":
            pass
        (TINY / "left").touch()
    elif path == "/flood":
        await answer(send, b"", more=True)
        while True:
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
            await asyncio.sleep(0)  # to one who has gone, sending does not wait
    elif path == "/slow":
        (TINY / "began").touch()
        while not (TINY / "go").exists():
            await asyncio.sleep(0.01)
        await answer(send, b"done")
    elif path == "/read":
        length, more = 0, True
        while more:
            message = await receive()
            length += len(message.get("body", b""))
            more = message.get("more_body", False)
        await answer(send, str(length).encode())
    elif path == "/peer":
        await answer(send, json.dumps(scope.get("extensions")).encode())
    else:
        await answer(send, b"well")


async def lifespan(receive: Any, send: Any) -> None:
    await receive()
    if (TINY / "fail").exists():
        raise RuntimeError("the tiny application fails")
    while (TINY / "hang").exists():
        await asyncio.sleep(0.01)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send: Any, body: bytes, *, kind: bytes = b"text/plain", more: bool = False) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body, "more_body": more})


@click.command()
@daemon_options
@click.option("--background", is_flag=True)
@click.option("--drain", type=int)
def main(options: Options, background: bool, drain: int | None) -> None:
    home = Home()
    level = options.log_level or "info"
    if background:
        os.umask(0o077)
        log_to_files(home.folder, level, largest=int(os.environ.get("TINY_LOG", 5 << 20)))
    else:
        log_to_stderr(level)
    try:
        serve(
            home,
            socket_path=None if options.socket is None else Path(options.socket),
            tcp=options.tcp,
            hosts=options.hosts,
            at_once=options.at_once,
            per_provider=options.per_provider,
            period=options.period,
            log_level=level,
            assemble=lambda home: Parts(app),
            drain=drain,
        )
    finally:
        home.close()


if __name__ == "__main__":
    from vestal.core.errors import VestalError

    try:
        main(standalone_mode=False)
    except VestalError as error:
        print(f"vestal: {error}", file=sys.stderr)
        sys.exit(2)
