"""`vestal practice --dashboard`: practice server, daemon and callers in one process, until a signal ends them all."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from vestal.cli.live import lines
from vestal.cli.live.callers import Callers
from vestal.cli.live.practising import NAME, practising
from vestal.core.errors import ConfigError, VestalError
from vestal.core.secret import Secret

if TYPE_CHECKING:
    from vestal.core.token import Token
    from vestal.daemon.process.pid_file import Running
    from vestal.home import Home
    from vestal.testing.practice import PracticeServer

CALLERS, PAUSE, USE = 4, 1.0, 3
"""See `Callers`. Few enough for a person to follow what they do."""

DRAIN = 3
"""Seconds that requests have to end after the first Ctrl-C: it is only practice."""


def run(server: PracticeServer, home: Home, *, port: int | None, duration: float | None, as_json: bool) -> None:
    """Be the practice server, and the daemon of a home that keeps its credential `practice` alive.

    The dashboard is at `port` of 127.0.0.1; None: the usual one, or a free one. The first signal ends everything well, the
    second at once. Raises `ConfigError` where something is in the way, such as a daemon of this home.
    """
    from vestal.cli.output import say
    from vestal.daemon.process.logs import log_to_stderr
    from vestal.daemon.server import serve

    _check_alone(home)
    with ExitStack() as stack:
        stack.enter_context(server)
        stack.enter_context(practising(server, home))
        play = _Play(server, home, duration, as_json=as_json)
        stack.callback(play.end)
        log_to_stderr("warning")  # but for trouble, the page shows all there is to see
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # who is cut off at the end is no trouble here
        serve(home, tcp=("127.0.0.1", _port(port)), log_level="warning", drain=DRAIN, ready=play.begin)
        play.end()
        if not as_json:
            say(play.farewell())


class _Play:
    """What goes on beside the daemon, from the moment when it listens."""

    def __init__(self, server: PracticeServer, home: Home, duration: float | None, *, as_json: bool) -> None:
        self._server = server
        self._home = home
        self._as_json = as_json
        self._started = home.clock.steady()
        self._address = ""
        self._callers = Callers(self._ask, f"{server.url}/resource", CALLERS, pause=PAUSE, use=USE, over=self._is_over)
        self._timer = None if duration is None else threading.Timer(duration, _end)
        self._announcing: threading.Thread | None = None

    def begin(self, running: Running) -> None:
        """The daemon listens. Called in its loop, which nothing may hold up: it has to answer us as well."""
        self._address = running.socket
        self._callers.start()
        self._announcing = threading.Thread(target=self._announce, args=(running,), name="announcing")
        self._announcing.start()
        if self._timer is not None:
            self._timer.start()

    def end(self) -> None:
        """The daemon has ended."""
        if self._timer is not None:
            self._timer.cancel()
        self._callers.stop()
        if self._announcing is not None:
            self._announcing.join()

    def farewell(self) -> str:
        """How it was."""
        from vestal.cli.output import counted
        from vestal.operations.times import span

        count = self._server.counters
        return (
            f"kept alive for {span(self._home.clock.steady() - self._started)}: "
            f"{counted(count['redemptions'], 'redemption')}, {count['reuse_detected']:,} reused; "
            f"{counted(self._callers.served, 'token')} given, {self._callers.failed:,} failed"
        )

    def _ask(self, newer_than: int | None) -> Token:
        """As a program does that ends after one question: the daemon is asked every time."""
        from vestal.client.connection import connect

        return connect(self._address).token(NAME, newer_than)

    def _is_over(self) -> bool:
        from vestal.daemon.process.pid_file import PidFile

        told = PidFile(self._home.folder).read()
        return told is None or told.state != "running"

    def _announce(self, running: Running) -> None:
        link = _link(running)
        with suppress(OSError):  # nobody reads it: the daemon runs all the same
            (_announce_json if self._as_json else _announce)(self._server, self._home, running, link)


def _announce(server: PracticeServer, home: Home, running: Running, link: Secret | None) -> None:
    address = f"{running.url}/dashboard" if link is None else link.reveal()
    how = "" if link is None else ", by a link that opens once, within five minutes"
    for line in (
        "Vestal keeps a token of the practice server alive, for all your programs.",
        "",
        _heading(f"Its dashboard{how}:"),
        address,
        "",
        _heading("To try in another terminal (`vestal open` gives another link):"),
        *(f"  {line}" for line in lines.with_daemon(server.url, home.folder)),
        "",
        _heading("To see two refreshes fail:"),
        f"  {lines.control(server.url, server.control_key)}",
        "",
        "Log in at the practice server as practice, password practice.",
        "Ctrl-C ends all of this.",
    ):
        click.echo(line)


def _announce_json(server: PracticeServer, home: Home, running: Running, link: Secret | None) -> None:
    import json

    facts = {
        "url": running.url,
        "dashboard": f"{running.url}/dashboard",
        "link": None if link is None else link.reveal(),
        "socket": running.socket,
        "home": str(home.folder),
        "issuer": server.url,
        "resource": f"{server.url}/resource",
        "control_key": server.control_key,
    }
    click.echo(json.dumps(facts))  # one line: whoever started it waits for it


def _heading(text: str) -> str:
    return click.style(text, fg=(0xEE, 0x6C, 0x1A), bold=True)


def _link(running: Running) -> Secret | None:
    """A link that opens a session in a browser; None if the daemon gives none."""
    import json

    from vestal.client.address import Address
    from vestal.client.exchange import exchange

    try:
        answer = exchange(Address(path=running.socket), "POST", "/v1/sessions", deadline=15.0)
        return Secret(json.loads(answer.body.reveal())["url"]) if answer.status == 201 else None
    except (VestalError, ValueError, LookupError, TypeError):
        return None


def _check_alone(home: Home) -> None:
    from vestal.daemon.process.pid_file import PidFile

    running = PidFile(home.folder).running()
    if running is not None:
        raise ConfigError(
            f"the daemon of {home.folder} runs already: process {running.pid} at {running.url}",
            remedy="`vestal stop` ends it; or name another folder in VESTAL_HOME",
        )


def _port(wanted: int | None) -> int:
    """The port to listen at: the one that is wanted, or else the daemon's usual one, or any if that is taken."""
    from vestal.daemon.listening import PORT, tcp_socket

    if wanted is not None:
        return wanted
    try:
        tcp_socket("127.0.0.1", PORT).close()
    except ConfigError:
        return 0
    return PORT


def _end() -> None:
    """As Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)
