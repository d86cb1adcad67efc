"""Running the practice server as a program of its own (`vestal practice`)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType

from vestal.testing.practice.fault import parse
from vestal.testing.practice.server import PracticeServer
from vestal.testing.practice.settings import Settings


def announce(server: PracticeServer) -> None:
    """Say on stdout where the server is and what to do with it."""
    lines = (
        f"practice server  {server.url}",
        "clients          practice (secret: practice-secret), practice-public, practice-jwt",
        "person           practice (password: practice)",
        f"control key      {server.control_key}",
        "",
        f"  curl -u practice:practice-secret -d grant_type=client_credentials {server.url}/token",
        f"  curl -H 'Practice-Key: {server.control_key}' {server.url}/practice/counters",
    )
    print("\n".join(lines), flush=True)


def run(
    settings: Settings | None = None,
    *,
    port: int = 0,
    faults: Iterable[str] = (),
    announce: Callable[[PracticeServer], None] = announce,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT comes, or `stop` is set; then end cleanly.

    `faults` in one line each (`token:status,times=2,status=502`; see `fault.parse`). `announce` is called once the server
    answers. Signals are only heeded in the main thread. Raises `ConfigError`, before anything has begun.
    """
    server = PracticeServer(settings, port=port)
    for text in faults:
        endpoint, kind, times, options = parse(text)
        server.faults.add(endpoint, kind, times, **options)
    stopping = threading.Event() if stop is None else stop

    def heed(number: int, frame: FrameType | None) -> None:
        stopping.set()

    heeded = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.signal(number, heed) for number in heeded}
    try:
        with server:
            announce(server)
            stopping.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
