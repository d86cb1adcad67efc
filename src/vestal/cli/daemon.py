"""What the commands around the daemon share."""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vestal.cli.parameters import complete_file, duration
from vestal.core.errors import ConfigError

if TYPE_CHECKING:
    from vestal.core.secret import Secret
    from vestal.daemon.process.pid_file import Running
    from vestal.daemon.process.start import Options

DEFAULT_TCP = "127.0.0.1:8378"

NO_DASHBOARD = "`vestal restart --tcp`, then `vestal open`"
"""What makes one of a daemon that listens at its socket only."""

SHORTEST_PERIOD = 1.0
"""Seconds. More often, the store would be read all the time."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")


def tcp_address(value: str | tuple[str, int]) -> tuple[str, int]:
    """`[HOST:]PORT`, an IPv6 address in brackets; without a host 127.0.0.1. Raises `ConfigError`."""
    if isinstance(value, tuple):
        return value
    host, _, port = value.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    good = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    if not good or (":" in bare and bare == host) or (value.startswith(":")) or value.startswith("[]"):
        raise ConfigError(f"{value[:80]!r} is no address to listen at", remedy="write it as PORT or HOST:PORT")
    return bare or "127.0.0.1", int(port)


def socket_file(value: str | Path) -> Path:
    """A path, absolute."""
    return Path(value).expanduser().absolute()


def host_name(value: str) -> str:
    """What a Host header names (RFC 9110, section 7.2), without the port: in lower case, IPv6 in brackets.

    Raises `ConfigError`.
    """
    text = value.strip().lower()
    bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if _HOST.fullmatch(text):
            return text
    else:
        return f"[{bare}]" if address.version == 6 else bare
    raise ConfigError(f"{value[:80]!r} is no name of a host", remedy="write it without scheme, port and path")


def period(value: str | float) -> float:
    """Seconds between two looks at the store. Raises `ConfigError`."""
    seconds = duration(value)
    if seconds < SHORTEST_PERIOD:
        raise ConfigError(f"the store is not looked at every {seconds:g} s", remedy="give 1s or more")
    return seconds


def daemon_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `serve`, `start`, `restart` and `systemd`, which the command gets as one `options: Options`."""

    @functools.wraps(function)
    def bundled(
        *,
        tcp: tuple[str, int] | None,
        socket: Path | None,
        log_level: str | None,
        hosts: tuple[str, ...],
        at_once: int | None,
        per_provider: int | None,
        period: float | None,
        **others: Any,
    ) -> Any:
        from vestal.daemon.process.start import Options

        path = None if socket is None else str(socket)
        return function(options=Options(path, tcp, log_level, hosts, at_once, per_provider, period), **others)

    for option in (
        click.option(
            "--period", type=period, metavar="DURATION", help="Look at the store for changes so often. Default: 30s."
        ),
        click.option(
            "--per-provider",
            type=click.IntRange(1, 10_000),
            metavar="N",
            help="Refreshes under way at one service, at most. Default: 8.",
        ),
        click.option(
            "--at-once",
            type=click.IntRange(1, 10_000),
            metavar="N",
            help="Refreshes under way in all, at most. Default: 64.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning", "error"]),
            help="What is worth a line in the log. Default: info.",
        ),
        click.option(
            "--socket",
            type=socket_file,
            metavar="PATH",
            shell_complete=complete_file,
            help="The Unix socket, in a folder that is for Vestal alone. Default: run/vestal.sock in the home.",
        ),
        click.option(
            "--host-name",
            "hosts",
            type=host_name,
            multiple=True,
            metavar="NAME",
            help="A name by which clients of other machines may call it over TCP; may be given several times.",
        ),
        click.option(
            "--tcp",
            type=tcp_address,
            is_flag=False,
            flag_value=DEFAULT_TCP,
            metavar="[HOST:]PORT",
            help=f"Listen for TCP as well, for those who have a key; without an address at {DEFAULT_TCP}.",
        ),
    ):
        bundled = option(bundled)
    return bundled


def check_reachable(folder: Path) -> None:
    """Raises `ConfigError` for the home of somebody else, where we could not even see whether a daemon runs."""
    from vestal.daemon.process.health import stranger

    closed, owner = False, None
    try:
        (folder / "run").stat()
    except OSError as error:
        closed = isinstance(error, PermissionError)
    if not closed:
        return
    with suppress(OSError):
        owner = stranger(folder.stat().st_uid)
    whose = "can't be looked into" if owner is None else f"belongs to user {owner}"
    raise ConfigError(f"{folder} {whose}", remedy="name a home of your own in VESTAL_HOME")


def check_startable(home: Path, options: Options, running: Running, passphrase: Secret | None) -> None:
    """What can be known before a daemon is stopped for another one: the key opens the store, and its places are free.

    Raises `VestalError`.
    """
    from contextlib import closing

    from vestal.daemon.listening import remove_socket, tcp_socket, unix_socket
    from vestal.daemon.process.key_check import check_key
    from vestal.home import Home

    with closing(Home(home, passphrase=None if passphrase is None else lambda: passphrase)) as opened:
        check_key(opened)
    if options.tcp is not None and options.tcp != running.tcp:
        host, port = options.tcp
        ours = running.tcp is not None and running.tcp[1] == port  # at another address: what is taken is taken by it
        tcp_socket(host, 0 if ours else port).close()
    if options.socket is not None and options.socket != running.socket:
        path = Path(options.socket)
        unix_socket(path).close()
        remove_socket(path, path.lstat())


def start_and_tell(home: Path, options: Options, timeout: float, passphrase: Secret | None, *, as_json: bool) -> None:
    """Start the daemon, and say where it is; if it does not start, say what its log has. Raises `VestalError`."""
    from vestal.cli.output import note, say, write_json
    from vestal.daemon.process.start import DidNotStart, start
    from vestal.daemon.process.status import status
    from vestal.home import Home

    failure: DidNotStart | None = None
    try:
        running = start(home, options, timeout=timeout, passphrase=passphrase)
    except DidNotStart as error:
        failure = error
    if failure is not None:
        if not as_json:
            for line in failure.log:
                print(log_line(f"  {line}"), file=sys.stderr)
        raise failure.error
    if as_json:
        write_json(status(Home(home)).as_json())
    else:
        say(f"the daemon runs: {described(running)}")
        for hint in hints(running):
            note(hint)


def hints(running: Running) -> list[str]:
    """What a person should know of a daemon that has just begun to listen."""
    from vestal.core.loopback import is_loopback

    if running.tcp is None:
        return [f"for the dashboard: {NO_DASHBOARD}"]
    told = ["for the dashboard: `vestal open`"]
    if not is_loopback(running.tcp[0]):
        told.append("other machines send their keys in the clear: put a gateway with TLS in front")
        if running.everywhere and not running.hosts:
            told.append(
                "none of them is answered before `vestal restart --host-name NAME` says what they call this one"
            )
    return told


def described(running: Running) -> str:
    """Who it is."""
    return f"process {running.pid} at {running.url}"


def log_line(line: str) -> str:
    """A line of a log with nothing in it that a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in line)


def passphrase_for(home: Path) -> Secret | None:
    """What the daemon needs to open the home and can't ask for, since it has no terminal. It goes through a pipe."""
    from vestal.core.secret import Secret
    from vestal.home import Home
    from vestal.stores.keys import PassphraseKeys

    if not isinstance(Home(home).keys(), PassphraseKeys):
        return None
    if not os.environ.get("VESTAL_PASSPHRASE") and sys.stdin.isatty():
        return Secret(click.prompt("Passphrase of the master key", hide_input=True, err=True))
    return None  # it finds it in the environment, or says that it doesn't
