"""A small house for one credential: a memory store, a fake clock, a scripted service, and a list of what happened."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from vestal.core.breaker import Breakers
from vestal.core.clock import Clock
from vestal.core.credential import App, Credential
from vestal.core.decision import Demand
from vestal.core.errors import (
    AuthFailed,
    ConfigError,
    HTTPError,
    NeedsLogin,
    Outcome,
    RateLimited,
    ServiceError,
    VestalError,
)
from vestal.core.events import Event, Kind
from vestal.core.grant import Grant
from vestal.core.lifecycle import Lifecycle
from vestal.core.secret import Secret
from vestal.core.token import Token
from vestal.core.transport import Request, Response, Send
from vestal.stores.keys import EnvironmentKeys
from vestal.stores.memory import MemoryBackend
from vestal.stores.sealing import SealedStore
from vestal.testing.clock import FakeClock

NAME = "acme"
START = 1_800_000_000.0
HOUR = 3600.0
KEYS = EnvironmentKeys(environ={"VESTAL_KEY": base64.b64encode(bytes(32)).decode()}.get)


class Killed(BaseException):
    """The worker dies here: nothing in its process runs any more."""


@dataclass(frozen=True)
class PlainProvider:
    """A service without frills: JSON in the body, `refresh_token` in the form."""

    name: str = "plain"
    stake: bool = True
    rotating: bool | None = None
    """None: as the credential has seen it, rotating as long as nothing was seen."""
    subject_of: str | None = None
    requests: int = 1
    """How many requests a refresh takes; the last one redeems."""
    read: Callable[[Response], Grant] | None = None

    def endpoint(self, credential: Credential) -> str:
        return "https://service.test/token"

    def at_stake(self, credential: Credential) -> Secret | None:
        return credential.refresh_token if self.stake else None

    def rotates(self, credential: Credential) -> bool:
        if self.rotating is not None:
            return self.rotating
        return credential.rotating is not False

    def client_fingerprint(self, credential: Credential) -> str:
        secret = credential.app.client_secret
        return "client:" + (secret.fingerprint() if secret else "none")

    def needs(self, credential: Credential) -> str | None:
        return self.subject_of

    def refresh(self, credential: Credential, send: Send, clock: Clock) -> Grant:
        if self.stake and credential.refresh_token is None:
            raise NeedsLogin("there is no refresh token", reason="missing", remedy="log in")
        for number in range(1, self.requests + 1):
            form: dict[str, str | Secret] = {"step": str(number)}
            if number == self.requests and credential.refresh_token is not None and self.stake:
                form["refresh_token"] = credential.refresh_token
            if credential.subject is not None:
                form["subject_token"] = credential.subject.access_token
            response = send(Request("POST", self.endpoint(credential), form=form))
        return (self.read or read)(response)

    def present(self, credential: Credential) -> Token | None:
        return None if credential.token is None else replace(credential.token, scope="presented")


def read(response: Response) -> Grant:
    """What an answer means."""
    error = _error(response)
    if error is not None:
        raise error
    try:
        fields = json.loads(response.body.reveal())
        return Grant(
            access_token=Secret(fields["access_token"]),
            token_type=fields.get("token_type", "Bearer"),
            expires_in=fields.get("expires_in"),
            refresh_in=fields.get("refresh_in"),
            refresh_token=Secret(fields["refresh_token"]) if fields.get("refresh_token") else None,
        )
    except (ValueError, KeyError):
        pass
    raise HTTPError("unreadable", outcome=Outcome.UNKNOWN)


def _error(response: Response) -> VestalError | None:
    retry_after = response.headers.get("retry-after")
    match response.status:
        case 200:
            return None
        case 400 if "invalid_grant" in response.body.reveal():
            return NeedsLogin("the service refused the refresh token", code="invalid_grant")
        case 400:
            return ConfigError("the service can't do this")
        case 401:
            return AuthFailed("the service refused the client", code="invalid_client")
        case 429:
            return RateLimited("slower", retry_after=float(retry_after) if retry_after else None)
        case 502 | 504:
            return ServiceError(f"status {response.status}", outcome=Outcome.UNKNOWN)
        case _:
            return ServiceError(f"status {response.status}")


@dataclass(frozen=True)
class Answer:
    """A step of the script: an answer of the service."""

    status: int = 200
    body: str = "{}"
    headers: tuple[tuple[str, str], ...] = ()


def granted(number: int, *, expires_in: Any = HOUR, rotate: bool = True, **more: Any) -> Answer:
    """The answer that grants access token `at-<number>` and, if rotating, refresh token `rt-<number>`."""
    fields = {"access_token": f"at-{number}", "expires_in": expires_in, **more}
    return Answer(200, json.dumps(fields | ({"refresh_token": f"rt-{number}"} if rotate else {})))


INVALID_GRANT = Answer(400, '{"error": "invalid_grant"}')
INVALID_CLIENT = Answer(401, '{"error": "invalid_client"}')
BUSY = Answer(503)
GARBAGE = Answer(200, "<html>")

Step = Answer | BaseException | Callable[[Request], Answer]


class Script:
    """A `Send` that answers from a list, and fails the test if it is asked for more."""

    def __init__(self, clock: FakeClock, *steps: Step) -> None:
        self.clock = clock
        self.steps = list(steps)
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        sent_at = self.clock.now()
        self.requests.append(request)
        if not self.steps:
            raise Killed(f"request {len(self.requests)} was not expected")
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step.copy() if isinstance(step, VestalError) else step
        answer = step if isinstance(step, Answer) else step(request)
        return Response(answer.status, dict(answer.headers), Secret(answer.body), sent_at)

    @property
    def redeemed(self) -> list[str]:
        """The refresh tokens that were sent, in order."""
        tokens = [(request.form or {}).get("refresh_token") for request in self.requests]
        return [token.reveal() for token in tokens if isinstance(token, Secret)]


class WatchedStore(SealedStore):
    """A store in memory; a test may step in before and after each save."""

    def __init__(self) -> None:
        super().__init__(MemoryBackend(), KEYS)
        self.saves: list[Credential] = []
        self.before_save: Callable[[Credential], None] | None = None
        self.after_save: Callable[[Credential], None] | None = None

    def save(self, credential: Credential) -> Credential:
        if self.before_save is not None:
            self.before_save(credential)
        saved = super().save(credential)
        self.saves.append(saved)
        if self.after_save is not None:
            self.after_save(saved)
        return saved

    def save_directly(self, credential: Credential) -> Credential:
        """As another worker would."""
        return SealedStore.save(self, credential)


class House:
    """One credential and all that is about it. `restart` gives a new lifecycle, as after the death of the process."""

    def __init__(
        self, *steps: Step, provider: PlainProvider | None = None, breakers: Breakers | None = None, **fields: Any
    ) -> None:
        self.clock = FakeClock(START)
        self.script = Script(self.clock, *steps)
        self.provider = provider or PlainProvider()
        self.store = WatchedStore()
        self.events: list[Event] = []
        self.breakers = breakers
        self.subjects: list[str] = []
        fields.setdefault("refresh_token", Secret("rt-1") if self.provider.stake else None)
        app = fields.pop("app", App(provider="plain", client_secret=Secret("client-secret")))
        self.store.save_directly(Credential(name=NAME, app=app, created_at=START, **fields))
        self.lifecycle = self.restart()

    def restart(self) -> Lifecycle:
        self.lifecycle = Lifecycle(
            self.store,
            lambda _: self.provider,
            self.script,
            self.clock,
            listeners=[self.events.append],
            token_of=self._token_of,
            breakers=self.breakers,
            random=lambda: 0.5,
        )
        return self.lifecycle

    def refresh(self, **demand: Any) -> Credential:
        return self.lifecycle.refresh(NAME, Demand(**demand))

    @property
    def stored(self) -> Credential:
        """The credential as the store has it."""
        credential = self.store.load(NAME)
        assert credential is not None
        return credential

    def edit(self, **fields: Any) -> Credential:
        """Change the record as another worker would."""
        return self.store.save_directly(replace(self.stored, **fields))

    @property
    def kinds(self) -> list[Kind]:
        """What happened, in order."""
        return [event.kind for event in self.events]

    def _token_of(self, name: str) -> Token:
        self.subjects.append(name)
        return Token(Secret(f"subject of {name}"))


def token(version: int = 1, *, issued_at: float = START, lifetime: float | None = HOUR) -> Token:
    """The token of that version."""
    expires_at = None if lifetime is None else issued_at + lifetime
    return Token(Secret(f"at-{version}"), issued_at=issued_at, expires_at=expires_at, version=version)


def held(version: int = 1, **token_fields: Any) -> dict[str, Any]:
    """The fields of a credential that has a token."""
    return {"token": token(version, **token_fields), "version": version}


def needs_login(house: House, reason: str, **demand: object) -> NeedsLogin:
    with pytest.raises(NeedsLogin) as caught:
        house.refresh(**demand)
    assert caught.value.reason == reason
    assert NAME in str(caught.value)
    assert "vestal " in caught.value.remedy
    return caught.value


def kill(house: House, *, at: Kind | None = None, **demand: object) -> None:
    """Refresh with a worker that dies at this event (None: the script kills it), and put another in its place."""

    def listener(event: object) -> None:
        if getattr(event, "kind", None) is at:
            raise Killed(at)

    house.lifecycle.events.listen(listener)
    with pytest.raises(Killed):
        house.refresh(**demand)
    house.restart()
