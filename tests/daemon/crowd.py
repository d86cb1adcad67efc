"""A home in memory with many credentials, a clock under control, and a service that counts."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response
from vestal.daemon.refresher import Refresher
from vestal.home import Home
from vestal.testing.clock import FakeClock

HOUR = 3600.0


class Service:
    """Token endpoints on hosts of any name: rotates, and notes who asked where, and how many at once."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.lifetime: Any = HOUR
        self.more: dict[str, Any] = {}
        self.status: dict[str, int] = {}
        self.hanging: dict[str, threading.Event] = {}
        self.redeemed: Counter[str] = Counter()
        self.by_host: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._now: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        host = request.url.split("/")[2]
        presented = (request.form or {}).get("refresh_token")
        sent_at = self.clock.now()
        with self._lock:
            self.by_host[host] += 1
            if isinstance(presented, Secret):
                self.redeemed[presented.reveal()] += 1
            for key in (host, ""):
                self._now[key] += 1
                self.most[key] = max(self.most[key], self._now[key])
        if host in self.hanging:
            self.hanging[host].wait(20)
        with self._lock:
            for key in (host, ""):
                self._now[key] -= 1
            number = sum(self.by_host.values())
        if host in self.status:
            return Response(self.status[host], {"retry-after": "120"}, Secret("{}"), sent_at)
        fields = {"access_token": f"at-{number}", "token_type": "Bearer", "expires_in": self.lifetime, **self.more}
        if isinstance(presented, Secret):
            fields["refresh_token"] = presented.reveal() + "'"
        return Response(200, {"content-type": "application/json"}, Secret(json.dumps(fields)), sent_at)

    @property
    def asked(self) -> int:
        return sum(self.by_host.values())


class Crowd:
    """The home with its refresher, whose turns are taken by the test."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock()
        self.service = Service(self.clock)
        self.home = Home.in_memory("/nowhere", clock=self.clock, send=self.service, environ={})
        self.refresher = Refresher(self.home, random=lambda: 0.5, **options)

    def add(self, name: str, *, host: str = "a.test", age: float | None = 0.0, **fields: Any) -> Credential:
        """A credential whose token of an hour was issued `age` seconds ago; None: it has no token yet."""
        grant = fields.pop("grant", "refresh_token")
        app = App(
            provider="custom",
            client_id="client",
            client_secret=Secret("client-secret"),
            grant=grant,
            settings={"token_url": f"https://{host}/token"},
        )
        issued_at = self.clock.now() - (age or 0.0)
        token = Token(Secret("at-0"), issued_at=issued_at, expires_at=issued_at + HOUR)
        values: dict[str, Any] = {
            "token": None if age is None else token,
            "version": 0 if age is None else 1,
            "refresh_token": Secret(f"rt-{name}") if grant == "refresh_token" else None,
        }
        return self.home.store.save(Credential(name=name, app=app, **(values | fields)))

    def turn(self) -> float:
        """One turn, and all that it began."""
        wait = self.refresher.turn()
        assert self.refresher.settle()
        return wait

    def run(self, seconds: float) -> None:
        """Let time pass, as the refresher's own thread would: from one turn to the next."""
        end = self.clock.steady() + seconds
        while True:
            wait = self.turn()
            left = end - self.clock.steady()
            if left <= 0:
                return
            self.clock.advance(min(max(wait, 0.01), left))

    def stored(self, name: str) -> Credential:
        credential = self.home.store.load(name)
        assert credential is not None
        return credential

    def edit(self, name: str, **fields: Any) -> None:
        """As another process would: nobody here hears of it."""
        self.home.store.save(replace(self.stored(name), **fields))
