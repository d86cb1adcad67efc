"""A source whose refreshes a test controls: when they end, and how."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.core.house import HOUR, NAME, START, token
from vestal.core.credential import App, Credential, Intent
from vestal.core.decision import Demand
from vestal.core.errors import VestalError
from vestal.core.events import Event, Kind
from vestal.core.refreshing import RefreshingSource
from vestal.core.token import Token
from vestal.testing.clock import FakeClock


@dataclass
class Flights:
    """A refresher: the version that it gives grows by one with each refresh, unless `trouble` is set."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    lifetime: float | None = HOUR
    refresh_in: float | None = None
    version: int = 0
    trouble: BaseException | None = None
    intent: Intent | None = None
    demands: list[Demand] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    held: bool = False
    """True: a refresh that has begun ends only when the test says `land`."""
    started: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    landing: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    while_flying: Callable[[], None] | None = None

    stored: Credential = field(default_factory=lambda: Credential(name=NAME, app=App(provider="plain")))
    """What the store has."""

    def load(self, name: str) -> Credential:
        assert name == NAME
        return self.stored

    def refresh(self, name: str, demand: Demand) -> Credential:
        assert name == NAME
        self.demands.append(demand)
        asked = self.clock.now()
        self.started.release()
        if self.held:
            assert self.landing.acquire(timeout=30)
        if self.while_flying is not None:
            self.while_flying()
        if self.trouble is not None:
            raise self.trouble.copy() if isinstance(self.trouble, VestalError) else self.trouble
        self.version += 1
        self.stored = self.credential(asked)
        return self.stored

    def credential(self, issued_at: float) -> Credential:
        made = token(self.version, issued_at=issued_at, lifetime=self.lifetime)
        if self.refresh_in is not None:
            made = Token(**{**_fields(made), "refresh_at": issued_at + self.refresh_in})
        return Credential(name=NAME, app=App(provider="plain"), token=made, version=self.version, intent=self.intent)

    def present(self, credential: Credential) -> Token | None:
        return credential.token

    def emit(self, kind: Kind, name: str, **data: object) -> None:
        self.events.append(Event(kind, name, self.clock.now(), data))

    def source(self, **options: Any) -> RefreshingSource:
        return RefreshingSource(NAME, self, **({"random": lambda: 0.0} | options))

    def kinds(self) -> list[Kind]:
        return [event.kind for event in self.events]

    def wait_for_takeoff(self) -> None:
        assert self.started.acquire(timeout=30)

    def land(self) -> None:
        """Let one refresh end, and wait until its source has taken note."""
        self.landing.release()
        landed()


def _fields(made: Token) -> dict[str, Any]:
    return {name: getattr(made, name) for name in ("access_token", "issued_at", "expires_at", "version")}


def landed() -> None:
    """Wait until no refresh is under way."""
    for thread in threading.enumerate():
        if thread.name.startswith("vestal refresh"):
            thread.join(30)
            assert not thread.is_alive()
