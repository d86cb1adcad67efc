from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key

from vestal.testing.practice import PracticeServer, Settings, log_in

BASIC = ("practice", "practice-secret")
CALLBACK = "http://127.0.0.1:9/callback"
VERIFIER = "v" * 43


class HandClock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.time = time.time()

    def now(self) -> float:
        return self.time

    def steady(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Caller:
    """A client of the practice server that does exactly as it is told."""

    def __init__(self, server: PracticeServer, clock: HandClock) -> None:
        self.server = server
        self.clock = clock
        self.http = httpx2.Client(base_url=server.url, trust_env=False, timeout=30)

    def token(self, *, auth: tuple[str, str] | None = BASIC, proof: str | None = None, **form: Any) -> httpx2.Response:
        headers = {} if proof is None else {"DPoP": proof}
        return self.http.post("/token", data=form, auth=auth or httpx2.USE_CLIENT_DEFAULT, headers=headers)

    def refresh(self, refresh_token: str, /, **form: Any) -> httpx2.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **form)

    def access_token(self, **form: Any) -> str:
        answer = self.token(grant_type="client_credentials", **form)
        return str(answer.json()["access_token"])

    def resource(self, access_token: str, scheme: str = "Bearer", **headers: str) -> httpx2.Response:
        return self.http.get("/resource", headers={"Authorization": f"{scheme} {access_token}", **headers})

    def control(self, method: str, path: str, json: object = None) -> httpx2.Response:
        headers = {"Practice-Key": self.server.control_key}
        return self.http.request(method, f"/practice/{path}", json=json, headers=headers)

    def authorization_url(self, client_id: str = "practice-public", /, **changes: str | None) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "state": "a state & more",
            "scope": "read",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return f"{self.server.url}/authorize?" + urlencode({k: v for k, v in query.items() if v is not None})

    def callback(self, url: str, *, allow: bool = True) -> dict[str, str]:
        """The parameters of the callback after the person has decided."""
        location = log_in(url, allow=allow, follow=False)
        assert location.startswith(CALLBACK + "?")
        return {name: value for name, [value] in parse_qs(urlsplit(location).query).items()}

    def redeem(self, code: str, /, **changes: str) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": "practice-public",
            "code_verifier": VERIFIER,
        }
        return self.token(auth=None, **form | changes)

    def proof(
        self,
        key: Key,
        path: str = "/token",
        *,
        method: str = "POST",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A DPoP proof (RFC 9449, 4.2); a claim that is None is left out."""
        content = {
            "jti": secrets.token_hex(8),
            "htm": method,
            "htu": self.server.url + path,
            "iat": int(self.clock.now()),
        } | claims
        shown = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)} | (header or {})
        return jwt.encode(shown, {k: v for k, v in content.items() if v is not None}, key)

    def assertion(self, key: Key | None = None, client_id: str = "practice-jwt", **claims: Any) -> str:
        """A signed assertion (RFC 7523, section 3); a claim that is None is left out."""
        content = {
            "iss": client_id,
            "sub": client_id,
            "aud": self.server.url,
            "jti": secrets.token_hex(8),
            "exp": int(self.clock.now()) + 60,
        } | claims
        signer = key or ECKey.import_key(self.server.jwt_client_key_pem)
        return jwt.encode({"alg": "ES256"}, {k: v for k, v in content.items() if v is not None}, signer)

    def connect(self) -> socket.socket:
        """A bare connection."""
        address = urlsplit(self.server.url)
        return socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def server(clock: HandClock) -> Iterator[PracticeServer]:
    with PracticeServer(Settings(), clock) as server:
        yield server
        assert server.counters["defects"] == 0


@pytest.fixture
def caller(server: PracticeServer, clock: HandClock) -> Iterator[Caller]:
    caller = Caller(server, clock)
    with caller.http:
        yield caller
