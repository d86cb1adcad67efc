"""`vestal practice`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import duration, json_option
from vestal.cli.session import open_home
from vestal.core.errors import ConfigError

if TYPE_CHECKING:
    from vestal.testing.practice import PracticeServer, Settings


@click.command("practice", short_help="Run an authorization server to practise on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="Its port on 127.0.0.1. Default: a free one."
)
@click.option(
    "--lifetime", type=duration, default="60", metavar="DURATION", help="How long access tokens live. Default: 60s."
)
@click.option(
    "--grace",
    type=duration,
    default="0",
    metavar="DURATION",
    help="How long a refresh token that was redeemed may be redeemed again. Default: not at all, as strict services do.",
)
@click.option("--latency", type=duration, default="0", metavar="DURATION", help="Hold every answer back for so long.")
@click.option("--no-rotation", is_flag=True, help="Let refresh tokens stay the same.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ENDPOINT:KIND[,OPTION=VALUE]...",
    help="Let requests fail, such as token:status,status=502,times=2 or token:cut_after; may be given several times.",
)
@click.option("--live", is_flag=True, help="Keep a token of the server alive as well, and show how.")
@click.option(
    "--dashboard",
    is_flag=True,
    help="Run the daemon with its dashboard as well, which keeps a token of the server alive.",
)
@click.option(
    "--dashboard-port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The dashboard's port on 127.0.0.1. Default: 8378, or a free one if that is taken.",
)
@click.option("--duration", type=duration, metavar="DURATION", help="End after so long.")
@json_option
def command(
    port: int,
    lifetime: float,
    grace: float,
    latency: float,
    no_rotation: bool,
    faults: tuple[str, ...],
    live: bool,
    dashboard: bool,
    dashboard_port: int | None,
    duration: float | None,
    as_json: bool,
) -> None:
    """Run a small OAuth 2 authorization server to practise on, until Ctrl-C.

    It has the grants, rotation, reuse detection and faults of real ones, a protected resource, and counters. It listens on
    127.0.0.1 only. With --live or --dashboard, a credential `practice` is made in VESTAL_HOME and kept alive before your
    eyes, here or in your browser; other programs may use it meanwhile.
    """
    from vestal.testing.practice import Settings

    settings = Settings(access_token_lifetime=lifetime, reuse_grace=grace, latency=latency, rotation=not no_rotation)
    if live and (dashboard or dashboard_port is not None):
        raise ConfigError("--live and --dashboard are two ways to look at it", remedy="choose one")
    if live:
        _live(_server(settings, port, faults), duration)
    elif dashboard or dashboard_port is not None:
        from vestal.cli.live.dashboard import run

        server = _server(settings, port, faults)
        run(server, open_home(), port=dashboard_port, duration=duration, as_json=as_json)
    else:
        _serve(settings, port, faults, duration, as_json=as_json)


def _serve(settings: Settings, port: int, faults: tuple[str, ...], duration: float | None, *, as_json: bool) -> None:
    from vestal.testing.practice import run

    stop = threading.Event()
    if duration is not None:
        timer = threading.Timer(duration, stop.set)
        timer.daemon = True
        timer.start()
    run(settings, port=port, faults=faults, announce=_as_json if as_json else _in_words, stop=stop)


def _server(settings: Settings, port: int, faults: tuple[str, ...]) -> PracticeServer:
    from vestal.testing.practice import PracticeServer
    from vestal.testing.practice.fault import parse

    server = PracticeServer(settings, port=port)
    for text in faults:
        endpoint, kind, times, options = parse(text)
        server.faults.add(endpoint, kind, times, **options)
    return server


def _live(server: PracticeServer, duration: float | None) -> None:
    import sys

    from vestal.cli.live.happenings import Happenings
    from vestal.cli.live.play import play, tell

    happenings = Happenings(None if sys.stdout.isatty() else tell)
    home = open_home(happenings)
    with server:
        play(server, home, happenings, duration)


def _in_words(server: PracticeServer) -> None:
    from vestal.testing.practice import announce

    announce(server)
    print(f"\n  vestal add try --issuer {server.url} --client-id practice-public && vestal login try", flush=True)


def _as_json(server: PracticeServer) -> None:
    import json

    facts = {
        "issuer": server.url,
        "token_endpoint": f"{server.url}/token",
        "resource": f"{server.url}/resource",
        "control_key": server.control_key,
        "clients": ["practice", "practice-public", "practice-jwt"],
    }
    print(json.dumps(facts), flush=True)  # one line: whoever started the server waits for it
