"""The stub's GitHub without a network, and a home in memory that talks to it. Both clocks are in the test's hand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from functools import cache
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.github.stub.apps import Apps, Installation, key, pem
from tests.github.stub.clock import StubClock
from tests.github.stub.logged import Logged
from tests.github.stub.service import Service
from tests.github.stub.world import World
from vestal.core.credential import Credential
from vestal.core.events import Event
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Text
from vestal.home import Home
from vestal.services.github.installations import EVERYTHING, Narrowing, add_app, ensure
from vestal.testing.clock import FakeClock
from vestal.testing.practice.message import Request as Asked

URL = "http://127.0.0.1:1"
APP = "acme-bot"


class SkewedClock(StubClock):
    """GitHub's clock: ours, and how far it is ahead of that."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.ours = clock
        self.skew = 0.0

    def now(self) -> float:
        return self.ours.now() + self.skew


class Hub:
    """An app `acme-bot` with the key number 0, installed at acme, which has the repositories widgets and gadgets."""

    def __init__(self, folder: Path | None = None) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.requests: list[Request] = []
        self.before: Callable[[Request], Response | None] = lambda request: None
        """May answer in the stub's place."""
        self.home = Home.in_memory(
            folder or Path("/nonexistent"), clock=self.clock, listeners=[self.events.append], send=self.send, environ={}
        )
        self.github_clock = SkewedClock(self.clock)
        world = World()
        world.add_user("octocat", "Mona Lisa")
        self.repositories = [world.add_repository(name) for name in ("acme/widgets", "acme/gadgets")]
        self.service = Service(world, clock=self.github_clock, url=URL)
        self.lock = threading.Lock()
        self.app = self.apps.register("acme-bot")
        self.installation = self.apps.install(self.app, world.users["acme"])

    @property
    def apps(self) -> Apps:
        return self.service.apps

    @property
    def log(self) -> list[Logged]:
        return self.service.log

    def send(self, request: Request) -> Response:
        """A `Send` that the stub answers."""
        with self.lock:
            self.requests.append(request)
        instead = self.before(request)
        if instead is not None:
            return instead
        sent_at, parts = self.clock.now(), urlsplit(request.url)
        headers = {name.lower(): _text(text) for name, text in request.headers.items()}
        body = b""
        if request.json is not None:
            body = json.dumps(request.json).encode()
            headers["content-type"] = "application/json"
        if request.form is not None:
            body = urlencode({name: _text(text) for name, text in request.form.items()}).encode()
            headers["content-type"] = "application/x-www-form-urlencoded"
        headers.setdefault("user-agent", "vestal")
        reply = self.service.answer(Asked(request.method, parts.path, parts.query, headers, body))
        reply.sent()
        assert reply.answer is not None
        told = {name.lower(): text for name, text in reply.answer.headers.items()}
        told.setdefault("date", formatdate(self.github_clock.now(), usegmt=True))
        return Response(reply.answer.status, told, Secret(reply.answer.body.decode("latin-1")), sent_at)

    def add_app(self, name: str = APP, private_key: str | None = None, *, over: bool = False) -> Credential:
        """The app as a credential."""
        secret = Secret(self.app.private_key if private_key is None else private_key)
        return add_app(self.home, name, self.app.client_id, secret, URL, over=over)

    def install(self, narrowing: Narrowing = EVERYTHING, installation: Installation | None = None) -> str:
        """The name of the installation's credential, which is made if need be."""
        return ensure(self.home, APP, (installation or self.installation).id, narrowing)

    def stored(self, name: str) -> Credential:
        """A credential as the store has it."""
        credential = self.home.store.load(name)
        assert credential is not None
        return credential

    def replace_record(self, name: str, **fields: object) -> None:
        """Change a record as another worker would."""
        self.home.store.save(replace(self.stored(name), **fields))  # type: ignore[arg-type]

    def asked(self) -> list[tuple[str, str, int]]:
        """Method, path and status of all requests."""
        return [(logged.method, logged.path, logged.status) for logged in self.log]


@cache
def other_pem() -> str:
    """A key that is not the app's."""
    return pem(key(1))


def _text(text: Text) -> str:
    return text.reveal() if isinstance(text, Secret) else text
