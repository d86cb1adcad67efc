from __future__ import annotations

import base64
import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from vestal.core.credential import App, Credential
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response, Text
from vestal.oauth2.provider import OAuth2Provider

NOW = 1_700_000_000.0


class FixedClock:
    """A clock that moves by hand."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def steady(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def answer(
    status: int = 200, body: object = None, headers: Mapping[str, str] | None = None, *, sent_at: float = NOW
) -> Response:
    """An answer; a body that is neither text nor bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Response(
        status=status,
        headers=headers or {},
        body=Secret("" if body is None else raw.decode("latin-1")),
        sent_at=sent_at,
    )


class FakeService:
    """A `send` that gives its answers in turn and keeps the requests."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return self.answers.pop(0)

    def will(self, *answers: Response) -> None:
        self.answers.extend(answers)

    @property
    def request(self) -> Request:
        """The only request."""
        (request,) = self.requests
        return request

    def form(self, index: int = 0) -> dict[str, str]:
        """A request's form, as it would arrive."""
        form = self.requests[index].form
        assert form is not None
        return dict(parse_qsl(urlencode({name: plain(value) for name, value in form.items()}), keep_blank_values=True))


def plain(value: Text) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(claims, dict)
    return claims


def header_of(token: str) -> dict[str, Any]:
    part = token.split(".")[0]
    header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(header, dict)
    return header


def dump(error: BaseException) -> str:
    """All that a report with captured locals shows of an error, below the frame of the test that caught it."""
    assert error.__cause__ is None
    assert error.__context__ is None
    trace = error.__traceback__
    below = trace.tb_next if trace is not None else None
    report = traceback.TracebackException(type(error), error, below, capture_locals=True)
    return "".join(report.format()) + repr(error) + str(error) + repr(error.__dict__)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def provider() -> OAuth2Provider:
    return OAuth2Provider(
        name="acme",
        title="Acme",
        token_endpoint="https://acme.example/token",
        revocation_endpoint="https://acme.example/revoke",
        introspection_endpoint="https://acme.example/introspect",
    )


MakeCredential = Callable[..., Credential]


@pytest.fixture
def credential() -> MakeCredential:
    """Makes a credential; `app` fields by name, the rest is the credential's own."""

    def make(
        *,
        grant: str = "refresh_token",
        client_id: str = "app-1",
        client_secret: str | None = "client-secret-canary",
        private_key: Secret | None = None,
        client_auth: str | None = None,
        scopes: tuple[str, ...] = (),
        settings: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> Credential:
        app = App(
            provider="acme",
            client_id=client_id,
            client_secret=Secret(client_secret) if client_secret else None,
            private_key=private_key,
            client_auth=client_auth,
            grant=grant,
            scopes=scopes,
            settings=settings or {},
        )
        return Credential(name="acme/me", app=app, **fields)

    return make
