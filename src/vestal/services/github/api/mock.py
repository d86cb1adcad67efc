"""Mock mode: a GitHub without a network, in which the app is installed everywhere and tokens are good for an hour.

It stands where requests are sent. Everything else works as it does otherwise: lookups, credentials, refreshes, clean-up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from vestal.core.clock import Clock
from vestal.core.errors import ConfigError, Outcome
from vestal.core.secret import Secret
from vestal.core.transport import Request, Response
from vestal.services.exchange import APIRequest, APIResponse

INSTALLATION_ID = 12345
LIFETIME = 3600
"""Seconds that a mock token is good for."""

APP_ID = "12345"

_INSTALLATION = re.compile(r".*/repos/([^/]+)/[^/]+/installation")


class MockGitHub:
    """Answers for an app and its one installation, and for nothing else."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minted = 0

    def send(self, request: Request) -> Response:
        """What a home's requests get: the app, and tokens."""
        now = self._clock.now()
        if request.method == "POST":
            self._minted += 1
            ends = datetime.fromtimestamp(int(now) + LIFETIME, UTC)
            answer: Mapping[str, object] = {
                "token": f"mock_installation_token_{self._minted}",
                "expires_at": ends.isoformat().replace("+00:00", "Z"),
                "permissions": {},
                "repository_selection": "all",
            }
            return Response(201, {}, Secret(json.dumps(answer)), float(int(now)))
        return Response(200, {}, Secret(json.dumps({"id": int(APP_ID), "slug": "mock"})), now)

    def answering(self, rest: Callable[[APIRequest], APIResponse] | None) -> Callable[[APIRequest], APIResponse]:
        """What a client's requests get: installations; from `rest` all others, or a `ConfigError`."""

        def send(request: APIRequest) -> APIResponse:
            found = self._installation(request)
            return found if found is not None else (rest or _refuse)(request)

        return send

    def aanswering(
        self, rest: Callable[[APIRequest], Awaitable[APIResponse]] | None
    ) -> Callable[[APIRequest], Awaitable[APIResponse]]:
        """The same for asyncio."""

        async def send(request: APIRequest) -> APIResponse:
            found = self._installation(request)
            if found is not None:
                return found
            return _refuse(request) if rest is None else await rest(request)

        return send

    def _installation(self, request: APIRequest) -> APIResponse | None:
        match = _INSTALLATION.fullmatch(urlsplit(request.url).path)
        if match is None:
            return None
        answer = {"id": INSTALLATION_ID, "account": {"login": match[1]}, "repository_selection": "all"}
        return APIResponse(200, {}, json.dumps(answer).encode(), self._clock.now(), request.url)


def _refuse(request: APIRequest) -> APIResponse:
    raise ConfigError(
        f"mock mode sends nothing: {request.method} {urlsplit(request.url).path}",
        remedy="unset GITHUB_MOCK_MODE, or give the client a sender that answers",
        outcome=Outcome.NOT_SENT,
    )


def new_key() -> Secret:
    """A private key for an app that does not exist."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    return Secret(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    )
