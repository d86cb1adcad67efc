"""Running the daemon in this process, until a signal ends it."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vestal import runtime
from vestal.core.errors import ConfigError, StoreUnavailable, UnexpectedError
from vestal.core.loopback import is_loopback
from vestal.daemon.listening import authority, remove_socket, tcp_socket, unix_socket
from vestal.daemon.process.key_check import check_key
from vestal.daemon.process.notify import notify
from vestal.daemon.process.pid_file import PidFile, Running, myself

if TYPE_CHECKING:
    from vestal.daemon.drain import DrainingServer
    from vestal.home import Home

Application = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application."""

HEAD = 32 << 10
"""Bytes that the head of a request may have."""
KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than clients keep theirs, so that they are the ones to close it."""
FILES = 65_536
"""How many files we ask the kernel for: every connection is one, and the usual 1,024 are few."""
SPARE_FILES = 200
"""Files for everything but connections to us."""

_log = logging.getLogger("vestal.daemon")


@dataclass(frozen=True)
class Parts:
    """What the daemon runs: an application, and what goes on beside it.

    `start` is called before the application starts, `drain` in the loop after the first signal, and `stop` at the end.
    """

    app: Application
    start: Callable[[], None] = lambda: None
    drain: Callable[[], None] = lambda: None
    stop: Callable[[], None] = lambda: None


Assemble = Callable[["Home"], Parts]


def serve(
    home: Home,
    *,
    socket_path: Path | None = None,
    tcp: tuple[str, int] | None = None,
    hosts: Collection[str] = (),
    at_once: int | None = None,
    per_provider: int | None = None,
    period: float | None = None,
    log_level: str = "info",
    assemble: Assemble | None = None,
    drain: int | None = None,
    ready: Callable[[Running], None] = lambda running: None,
) -> None:
    """Be the daemon of a home: listen at its Unix socket, and for TCP at (host, port) if that is given.

    `hosts`: names by which clients may call it over TCP, beside those of the loopback and the address it listens at.
    `at_once`, `per_provider`, `period` (seconds): the bounds of its refresher, see `Refresher`; None is its default.
    `ready` is called when it listens. The first signal (SIGINT, SIGTERM, SIGHUP) lets requests end within `drain` seconds;
    the second ends the process there and then. Raises `ConfigError` where something is in the way, such as another daemon.
    """
    with ExitStack() as stack:
        pid_file = PidFile(home.folder)
        check_key(home)  # a home that can't be used is told before anything else
        stack.enter_context(pid_file.hold())
        path = (socket_path or runtime.socket_path(home.folder)).absolute()
        running = myself(
            state="starting",
            version=version("vestal"),
            socket=str(path),
            tcp=tcp,
            log_level=log_level,
            hosts=tuple(host.lower() for host in hosts),
            at_once=at_once,
            per_provider=per_provider,
            period=period,
        )
        pid_file.write(running)
        sockets = [stack.enter_context(_listening(path))]
        if tcp is not None:
            bound = stack.enter_context(tcp_socket(*tcp))
            running = replace(running, tcp=(tcp[0], bound.getsockname()[1]))  # 0 is a free one
            sockets.append(bound)
            if not is_loopback(tcp[0]):
                at = authority(tcp[0], bound.getsockname()[1])
                _log.warning("listening at %s without TLS: keys and tokens can be read on the way", at)
                if running.everywhere and not running.hosts:
                    _log.warning("other machines are not answered: --host-name says what they call this one")
        parts = _assemble(home, running) if assemble is None else assemble(home)

        def be(state: str) -> None:
            pid_file.write(replace(running, state=state))

        def begin() -> None:
            be("running")
            notify(f"READY=1\nSTATUS={running.url}")
            _log.info("listening at %s", " and ".join([str(path), running.url] if running.tcp else [str(path)]))
            gc.collect()
            gc.freeze()  # modules and routes stay for good: no collection looks at them again
            ready(running)

        def end() -> None:
            try:
                be("stopping")
            except StoreUnavailable as error:  # a full disk keeps nobody from ending well
                _log.warning("%s", error)
            notify("STOPPING=1")
            parts.drain()
            _log.info("draining; a second signal stops at once")

        server = _server(parts.app, drain, ready=begin, draining=end, stop=stack.close)
        _run(server, parts, sockets)
        _log.info("stopped")


def _server(app: Application, drain: int | None, **calls: Callable[[], None]) -> DrainingServer:
    """uvicorn, which is told nothing that it would do by itself: no sockets, logs, proxies or headers."""
    trouble = ""
    try:
        import uvicorn

        from vestal.daemon import drain as draining
        from vestal.daemon.connection import Connection
    except ImportError as error:
        trouble = error.name or "uvicorn"
    if trouble:
        raise missing(trouble)
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        loop="asyncio",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=HEAD,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=draining.LIMIT if drain is None else drain,
        limit_concurrency=max(_more_files() - SPARE_FILES, 100),
        backlog=4096,
    )
    return draining.DrainingServer(config, **calls)


def missing(package: str) -> ConfigError:
    """The error where a package of the extra `daemon` is not installed."""
    return ConfigError(f"the daemon needs {package}, which is not installed", remedy="pip install 'vestal[daemon]'")


def _run(server: DrainingServer, parts: Parts, sockets: list[socket.socket]) -> None:
    failed = False
    with server.signals():
        try:
            parts.start()
            server.run(sockets)
        except SystemExit:  # uvicorn's way of saying that the application did not start; it has logged why
            failed = True
        finally:
            parts.stop()
    if failed:
        raise UnexpectedError("the daemon's application did not start", remedy="see its log")


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """The Unix socket, which is removed at the end."""
    with unix_socket(path) as bound:
        made = path.lstat()
        try:
            yield bound
        finally:
            remove_socket(path, made)


def _more_files() -> int:
    """Raise the limit of open files as far as we may; what it is then."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    except (OSError, ValueError):  # macOS has a second limit below the one it tells; a sandbox may forbid it
        return soft


def _assemble(home: Home, running: Running) -> Parts:
    """The daemon as it is: the API and the dashboard over the home, and its refresher."""
    trouble = ""
    try:
        from vestal.daemon.app import make_app
        from vestal.daemon.house import House
        from vestal.daemon.limits import LOOPBACK, Limits
        from vestal.daemon.refresher import Refresher
    except ModuleNotFoundError as error:
        trouble = error.name or "fastapi"
    if trouble:
        raise missing(trouble)
    bounds: dict[str, Any] = {
        "at_once": running.at_once,
        "per_provider": running.per_provider,
        "period": running.period,
    }
    refresher = Refresher(home, **{name: value for name, value in bounds.items() if value is not None})
    url = running.url if running.tcp is not None else None
    names = LOOPBACK | set(running.hosts)
    if url is not None:
        names |= {urlsplit(url).netloc.rpartition(":")[0].lower()}
    house = House(home, refresher=refresher, limits=Limits(hosts=names), url=url)

    def stop() -> None:
        refresher.stop()
        house.close()

    return Parts(make_app(house), refresher.start, house.drain, stop)
