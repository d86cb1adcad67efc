"""`vestal practice`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from vestal.cli.parameters import duration, json_option
from vestal.cli.session import open_home

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
    duration: float | None,
    as_json: bool,
) -> None:
    """Run a small OAuth 2 authorization server to practise on, until Ctrl-C.

    It has the grants, rotation, reuse detection and faults of real ones, a protected resource, and counters. It listens on
    127.0.0.1 only. With --live, a credential `practice` is made in VESTAL_HOME and kept alive before your eyes; other
    programs may use it meanwhile.
    """
    from vestal.testing.practice import Settings

    settings = Settings(access_token_lifetime=lifetime, reuse_grace=grace, latency=latency, rotation=not no_rotation)
    if live:
        _live(settings, port, faults, duration)
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


def _live(settings: Settings, port: int, faults: tuple[str, ...], duration: float | None) -> None:
    import sys

    from vestal.cli.live.happenings import Happenings
    from vestal.cli.live.play import play, tell
    from vestal.testing.practice import PracticeServer
    from vestal.testing.practice.fault import parse

    happenings = Happenings(None if sys.stdout.isatty() else tell)
    home = open_home(happenings)
    server = PracticeServer(settings, port=port)
    for text in faults:
        endpoint, kind, times, options = parse(text)
        server.faults.add(endpoint, kind, times, **options)
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
