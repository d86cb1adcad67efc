"""A service with long answers that takes long bodies, in a process of its own: `python -m bench.bulk`.

`GET /N` is answered with N bytes; whatever has a body is read to its end and answered with two. Says its port, and ends when
its standard input does.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CHUNK = bytes(256 << 10)


@contextmanager
def bulk() -> Iterator[int]:
    """The port of a running one."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.bulk"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            line, *lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            headers = dict(each.partition(b": ")[::2] for each in lines)
            size = int(line.split()[1].lstrip(b"/") or b"0")
            left = int(headers.get(b"content-length", b"0"))
            if left:
                while left:
                    left -= len(await reader.read(min(left, len(_CHUNK))))
                size = 2
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size
            )
            while size:
                writer.write(_CHUNK[:size])
                size -= min(size, len(_CHUNK))
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
