"""What the commands around the daemon share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vestal.core.errors import ConfigError

if TYPE_CHECKING:
    from vestal.core.secret import Secret
    from vestal.daemon.process.pid_file import Running
    from vestal.daemon.process.start import Options

_F = TypeVar("_F", bound=Callable[..., Any])

DEFAULT_TCP = "127.0.0.1:8378"


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


def listening_options(function: _F) -> _F:
    """--tcp, --socket and --log-level, of `serve`, `start` and `restart`."""
    for option in (
        click.option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning", "error"]),
            help="What is worth a line in the log. Default: info.",
        ),
        click.option(
            "--socket", type=socket_file, metavar="PATH", help="The Unix socket. Default: run/vestal.sock in the home."
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
        function = option(function)
    return function


def start_and_tell(home: Path, options: Options, timeout: float, *, as_json: bool) -> None:
    """Start the daemon, and say where it is; if it does not start, say what its log has. Raises `VestalError`."""
    from vestal.cli.output import say, write_json
    from vestal.daemon.process.start import DidNotStart, start
    from vestal.daemon.process.status import status
    from vestal.home import Home

    failure: DidNotStart | None = None
    try:
        running = start(home, options, timeout=timeout, passphrase=_passphrase(home))
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


def described(running: Running) -> str:
    """Who it is."""
    return f"process {running.pid} at {running.url}"


def log_line(line: str) -> str:
    """A line of a log with nothing in it that a terminal would obey."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in line)


def _passphrase(home: Path) -> Secret | None:
    """What the daemon needs to open the home and can't ask for, since it has no terminal. It goes through a pipe."""
    from vestal.core.secret import Secret
    from vestal.home import Home
    from vestal.stores.keys import PassphraseKeys

    if not isinstance(Home(home).keys(), PassphraseKeys):
        return None
    if not os.environ.get("VESTAL_PASSPHRASE") and sys.stdin.isatty():
        return Secret(click.prompt("Passphrase of the master key", hide_input=True, err=True))
    return None  # it finds it in the environment, or says that it doesn't
