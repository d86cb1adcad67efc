"""Makes docs/images/dashboard-*.png: `python tools/screenshots.py [FOLDER]`.

A house with credentials in all states at a moment that is always the same, and the system's Chromium to look at it. Nothing
in it is real, and nothing outside a temporary folder is touched.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from playwright.sync_api import Browser, sync_playwright

from vestal.core.credential import App, Credential, LastError, Past
from vestal.core.events import Event, Kind
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.daemon.access import LOCAL
from vestal.daemon.app import make_app
from vestal.daemon.house import House
from vestal.home import Home
from vestal.testing.clock import FakeClock

NOW = 1_795_255_200.0
"""Epoch seconds: 22 November 2026, 10:00 UTC."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
CHROMIUM = "chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
SHOWN = "spotify/listening"
"""The credential whose page is shown."""


def credentials() -> list[Credential]:
    """One in each state that there is, as they stand at `NOW`."""
    login = "authorization_code"
    return [
        _made("acme-bot/installation/42", "github_app", "github_app", 21 * MINUTE, HOUR, 388),
        _made("acme-bot/installation/108", "github_app", "github_app", 47 * MINUTE, HOUR, 391),
        _failed(
            _made("box/archive", "box", login, 18 * MINUTE, HOUR, 212),
            LastError(
                category="RATE_LIMIT_EXCEEDED",
                message="the token endpoint asks for patience (429)",
                remedy="nothing to do: it is tried again when the service allows it",
                at=NOW - 3 * MINUTE,
                passing=True,
                retry_at=NOW + 4 * MINUTE,
            ),
        ),
        _made("google/analytics", "google", login, 33 * MINUTE, HOUR, 1204),
        _made("linear/reports", "linear", "client_credentials", 29 * DAY, 30 * DAY, 3),
        _made("microsoft/graph", "microsoft", login, 8 * MINUTE, 75 * MINUTE, 677),
        _failed(
            _made("slack/alerts", "slack", login, -2 * HOUR, 12 * HOUR, 58),
            LastError(
                category="NEEDS_LOGIN",
                message="the service refused the refresh token (invalid_grant)",
                remedy="log in again: vestal login slack/alerts",
                at=NOW - 2 * HOUR,
                reason="refused",
            ),
        ),
        _made(SHOWN, "spotify", login, 41 * MINUTE + 12, HOUR, 2318),
        _made("twitch/clips", "twitch", "client_credentials", -26 * MINUTE, HOUR, 9),
    ]


def _made(name: str, provider: str, grant: str, left: float, lifetime: float, version: int) -> Credential:
    issued = NOW + left - lifetime + 0.9  # so that no second passes before a picture is taken
    reasons = ["early", "early", "early", "asked", "early", "refused", "early", "early"]
    past = [
        Past(at=issued - number * lifetime * 0.83, what="refresh", version=version - number, detail=reasons[number])
        for number in range(min(version, 8))
    ]
    past[2:2] = [Past(at=past[1].at - MINUTE, what="failure", version=version - 2, detail="NETWORK_ERROR")]
    return Credential(
        name=name,
        app=App(
            provider=provider,
            client_id="5f2b7c9ad0e84c1f",
            client_secret=Secret("a secret of the app"),
            grant=grant,
            scopes=("user-read-playback-state", "user-modify-playback-state") if provider == "spotify" else (),
        ),
        token=Token(
            Secret("an access token that nobody is shown"),
            issued_at=issued,
            expires_at=issued + lifetime,
            version=version,
            scope="user-read-playback-state user-modify-playback-state" if provider == "spotify" else "",
        ),
        refresh_token=Secret(f"a refresh token of {name}") if grant == "authorization_code" else None,
        rotating=provider == "spotify" or None,
        version=version,
        created_at=NOW - 97 * DAY,
        refreshed_at=issued,
        refresh_count=version - 1,
        history=tuple(reversed(past)),
    )


def _failed(credential: Credential, error: LastError) -> Credential:
    past = Past(at=error.at, what="failure", version=credential.version, detail=error.category)
    return replace(credential, last_error=error, failures=1, history=(*credential.history, past))


def tell(house: House) -> None:
    """What has happened in the last hours."""
    story = [Kind.INTENT_SAVED, Kind.RESPONSE_RECEIVED, Kind.RESPONSE_SAVED, Kind.TOKEN_PARSED, Kind.TOKEN_SAVED]
    told: list[Event] = []
    for place, credential in enumerate(credentials()):
        name, version = credential.name, credential.version
        at = credential.refreshed_at or NOW
        durations = [0.21, 0.19, 0.24, 0.18, 0.32, 0.2, 0.22, 0.61, 0.19, 0.23, 0.27, 0.2, 0.18, 0.25, 0.21, 0.2, 0.19]
        for number, seconds in enumerate(durations):
            began = at - number * 50 * MINUTE
            reason = "asked" if number == 4 else "early"
            told += [Event(Kind.REFRESH_STARTED, name, began, {"reason": reason, "version": version - number - 1})]
            for step, kind in enumerate(story):
                data = {"status": 200} if kind is Kind.RESPONSE_RECEIVED else {}
                told.append(Event(kind, name, began + seconds * (step + 0.5) / 6, data))
            if number in (5, 6)[: place * 2 % 3]:
                wrong = {"category": "NETWORK_ERROR", "message": "no connection to the token endpoint"}
                told.append(Event(Kind.REFRESH_FAILED, name, began + seconds, wrong))
            else:
                good = {"version": version - number, "reason": reason, "what": "refresh"}
                told.append(Event(Kind.REFRESHED, name, began + seconds, good))
        error = credential.last_error
        if error is not None:
            told += [
                Event(Kind.REFRESH_STARTED, name, error.at - 0.3, {"reason": "early", "version": version}),
                Event(Kind.REFRESH_FAILED, name, error.at, {"category": error.category, "message": error.message}),
            ]
            if error.category == "NEEDS_LOGIN":
                told.append(Event(Kind.LOGIN_NEEDED, name, error.at, {"reason": "refused"}))
        for number in range(400 + 1311 * place):
            house.counters.asked(name, hit=number % (41 + 29 * place) != 5)
    for event in sorted(told, key=lambda event: event.at):
        house.home.lifecycle.events.emit(event)


@contextmanager
def served(house: House, listener: socket.socket) -> Iterator[None]:
    """The pages of a house, over TCP at a socket that is bound."""
    config = uvicorn.Config(make_app(house), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    loop = threading.Thread(target=asyncio.run, args=(server.serve([listener]),))
    loop.start()
    try:
        yield
    finally:
        house.drain()
        server.should_exit = True
        loop.join()
        house.close()


def take(browser: Browser, url: str, open_link: str, folder: Path) -> None:
    """The pictures."""
    shots = {
        "light": ("/dashboard", 1280, "light"),
        "dark": ("/dashboard", 1280, "dark"),
        "phone": ("/dashboard", 390, "light"),
        "credential": (f"/dashboard/credentials/{SHOWN}", 1280, "light"),
        "timeline": ("/dashboard/timeline", 1280, "dark"),
    }
    context = browser.new_context(timezone_id="UTC", reduced_motion="reduce", device_scale_factor=1.5)
    page = context.new_page()
    page.goto(open_link)
    page.wait_for_url("**/dashboard")
    for name, (path, width, scheme) in shots.items():
        page.set_viewport_size({"width": width, "height": 844 if width < 500 else 800})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.goto(url + path)
        page.locator("#live.on").wait_for()
        page.screenshot(path=folder / f"dashboard-{name}.png", full_page=name == "credential")
    context.close()


def main() -> None:
    """Make them."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("vestal").setLevel(logging.CRITICAL)  # the failures are made up
    with tempfile.TemporaryDirectory() as temporary, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        home = Home(Path(temporary) / "home", clock=FakeClock(NOW))
        for credential in credentials():
            home.store.save(credential)
        house = House(home, started_at=NOW - 5 * DAY - 4 * HOUR, url=url)
        tell(house)
        link = f"{url}/dashboard/open/{house.sessions.invite(LOCAL).reveal()}"
        with served(house, listener), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=list(FLAGS))
            take(browser, url, link, folder)
            browser.close()
        home.close()


if __name__ == "__main__":
    main()
