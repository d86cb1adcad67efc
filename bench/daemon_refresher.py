"""The daemon's refresher: how many refreshes a second one process sustains against a server with a latency."""

from __future__ import annotations

import os
import threading
import time
from tempfile import TemporaryDirectory

from bench.result import Column, Row, Section, Value
from vestal.core.credential import App
from vestal.core.events import Event, Kind
from vestal.core.secret import Secret
from vestal.home import Home
from vestal.testing.practice import PracticeServer, Settings

LATENCY = 0.2
"""Seconds that the practice server takes for every answer."""


def measure(quick: bool) -> Section:
    refreshes = 40 if quick else 1000
    return Section(
        name="daemon_refresher",
        title="refreshes by the background refresher against a server with 200 ms latency",
        columns=[
            Column(key="per_second", heading="refreshes/s", format="{:.1f}"),
            Column(key="share", heading="of the possible", format="{:.0%}"),
        ],
        rows=[_sustained(refreshes, at_once=64, per_provider=places) for places in (8, 64)],
        verdicts=[],
        notes=[
            "of the possible: places / latency. Store, sealing and HTTP client run on the same cores as the server."
        ],
    )


def _sustained(refreshes: int, *, at_once: int, per_provider: int) -> Row:
    """From the first request to the last answer of a crowd that is due."""
    from vestal.daemon.refresher import Refresher

    begun: list[float] = []
    moments: list[float] = []
    done = threading.Event()

    def hear(event: Event) -> None:
        if event.kind is Kind.INTENT_SAVED:
            begun.append(time.perf_counter())
        elif event.kind is Kind.REFRESHED:
            moments.append(time.perf_counter())
            if len(moments) == refreshes:
                done.set()

    settings = Settings(access_token_lifetime=12 * 3600, latency=LATENCY)
    with TemporaryDirectory() as folder, PracticeServer(settings) as server:
        home = Home(folder, listeners=[hear])
        app = App(
            provider="custom",
            client_id="practice",
            client_secret=Secret("practice-secret"),
            settings={"token_url": f"{server.url}/token"},
        )
        for number in range(refreshes):
            home.add(f"user/{number}", app, Secret(server.issue_refresh_token("practice")))
        refresher = Refresher(home, at_once=at_once, per_provider=per_provider)
        refresher.start()
        done.wait(600)
        refresher.stop()
        home.close()
    per_second = len(moments) / (moments[-1] - begun[0])
    values: dict[str, Value] = {"per_second": per_second, "share": per_second * LATENCY / per_provider}
    return Row(name=f"{per_provider} at a time", values=values, note=f"{os.cpu_count()} cores for both sides")
